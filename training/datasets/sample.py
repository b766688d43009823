"""One pair of sets with its truth, and what is done to it before a network sees it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.floating]
Rows = NDArray[np.int64]


class Sample(NamedTuple):
    """Keypoints p2d (m, 2) on the z = 1 plane and map points p3d (n, 3).

    partner: (n,) the keypoint that shows each map point, -1 for none. R (3, 3) and t (3,) are
    world-to-camera. detectability: (n,) how often each point is detected where it is in view; all
    ones where that is not known.
    """

    p2d: Array
    p3d: Array
    partner: Rows
    R: Array
    t: Array
    detectability: Array

    def rearranged(self, keypoints: Rows, points: Rows) -> Sample:
        """Some of the keypoints and points, in a new order; partners that are left out are lost."""
        new_row = np.full(len(self.p2d) + 1, -1)
        new_row[keypoints] = np.arange(len(keypoints))
        return self._replace(
            p2d=self.p2d[keypoints],
            p3d=self.p3d[points],
            partner=new_row[self.partner[points]],
            detectability=self.detectability[points],
        )

    def shuffled(self, rng: np.random.Generator) -> Sample:
        """The points in random order, so that no order gives matches away."""
        return self.rearranged(np.arange(len(self.p2d)), rng.permutation(len(self.p3d)))

    def thinned(self, most: int, rng: np.random.Generator) -> Sample:
        """At most so many of either set, with the same share of points that have a partner."""
        largest = max(len(self.p2d), len(self.p3d))
        if largest <= most:
            return self
        matched = np.flatnonzero(self.partner >= 0)
        alone_2d = np.setdiff1d(np.arange(len(self.p2d)), self.partner[matched])
        alone_3d = np.flatnonzero(self.partner < 0)
        pairs, lone_2d, lone_3d = (
            rng.permutation(rows)[: len(rows) * most // largest]
            for rows in (matched, alone_2d, alone_3d)
        )
        return self.rearranged(
            np.append(np.unique(self.partner[pairs]), lone_2d), np.append(pairs, lone_3d)
        )

    def with_outliers(self, fraction: float, rng: np.random.Generator) -> Sample:
        """int(fraction * m) uniform points in the bounding box of each set, as in the paper.

        So a fraction of 0.5 makes one point in three an outlier.
        """
        count = int(fraction * len(self.p2d))
        if count == 0:
            return self
        xy, points = (
            rng.uniform(points.min(axis=0), points.max(axis=0), (count, points.shape[1]))
            for points in (self.p2d, self.p3d)
        )
        return self._replace(
            p2d=np.concatenate([self.p2d, xy]),
            p3d=np.concatenate([self.p3d, points]),
            partner=np.append(self.partner, np.full(count, -1)),
            detectability=np.append(self.detectability, np.full(count, self.detectability.mean())),
        )


def partner_of_points(point: Rows, count: int) -> Rows:
    """From the point that each keypoint shows to the keypoint of each of `count` points.

    Rows beyond the points, and negative ones, are no point; -1 for a point that no keypoint shows.
    """
    partner = np.full(count, -1)
    shown = np.flatnonzero((point >= 0) & (point < count))
    partner[point[shown]] = shown
    return partner


class Batch(NamedTuple):
    """B samples, padded by repeating points; counts (B,) tell the true ones.

    p2d: (B, M, 2), p3d: (B, N, 3), R: (B, 3, 3), t: (B, 3), float32. partner: (B, N), -1 for none.
    prior_3d: (B, N) float32, each point's share of the detectability, 0 on padding.
    """

    p2d: Tensor
    p3d: Tensor
    num_points_2d: Tensor
    num_points_3d: Tensor
    partner: Tensor
    R: Tensor
    t: Tensor
    prior_3d: Tensor

    def inputs(self, detectability: bool) -> tuple[Tensor | None, ...]:
        """Of BPnPNet; without `detectability` all points weigh the same."""
        prior_3d = self.prior_3d if detectability else None
        return (*self[:4], None, prior_3d)

    @property
    def C(self) -> Tensor:
        """(B, M, N), 1 for true pairs, else 0."""
        rows = torch.arange(self.p2d.shape[1], device=self.partner.device)
        return (self.partner[:, None] == rows[:, None]).to(self.p2d.dtype)

    @property
    def true_points(self) -> tuple[Tensor, Tensor]:
        """Which keypoints (B, M) and points (B, N) are no padding."""
        return _first(self.num_points_2d, self.p2d), _first(self.num_points_3d, self.p3d)


def collate(samples: list[Sample], length: int = 0) -> Batch:
    """A batch, padded to `length` or to its longest sets."""
    M, N = (max(length, *map(len, sets)) for sets in list(zip(*samples, strict=True))[:2])
    partner, prior = torch.full((len(samples), N), -1), torch.zeros(len(samples), N)
    for row, sample in enumerate(samples):
        n = len(sample.p3d)
        partner[row, :n] = torch.from_numpy(sample.partner)
        prior[row, :n] = torch.from_numpy(sample.detectability / sample.detectability.sum())
    return Batch(
        _stack([_repeat(sample.p2d, M) for sample in samples]),
        _stack([_repeat(sample.p3d, N) for sample in samples]),
        torch.tensor([len(sample.p2d) for sample in samples]),
        torch.tensor([len(sample.p3d) for sample in samples]),
        partner,
        _stack([sample.R for sample in samples]),
        _stack([sample.t for sample in samples]),
        prior,
    )


def _first(counts: Tensor, points: Tensor) -> Tensor:
    return torch.arange(points.shape[1], device=points.device) < counts[:, None]


def _repeat(points: Array, length: int) -> Array:
    return np.resize(points, (length, points.shape[1]))


def _stack(arrays: list[Array]) -> Tensor:
    return torch.from_numpy(np.stack(arrays).astype(np.float32))
