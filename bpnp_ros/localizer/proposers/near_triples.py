"""Poses from three keypoints close together against three landmarks close together.

What lies side by side in an image mostly does in the map, so of many landmarks only those near each
other are tried, with nothing known of the pose. The keypoints around a triple against the landmarks
around its own tell which poses are worth a closer look.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from bpnp_ros.geometry.transform import invert, transform_points
from bpnp_ros.localizer.descent.poses import refine
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import NEAREST
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.pnp.p3p import p3p

MOST_PROBLEMS = 14_000  # for one set of keypoints
FEWEST_NEAR, MOST_NEAR = 4, 40  # landmarks about each of which triples are made
MOST_AROUND, CHECKS = 24, 6  # landmarks and keypoints by which a pose is first checked
MOST_SETS, DRAWS = 24, 4
LOOSE = 0.15  # of the width of a set: how far off, on the chart, is a pose that it fixes
CONTRADICTED = -1.5  # nats of cues
PROMISING, REFINED_WITH = 64, 32  # poses of a set that go on; keypoints that pull them
PULL = [0.025, 0.012]  # standard deviations, on the chart


class NearTriples:
    """Triples of landmarks near each other in a map in which nothing hides anything."""

    def __init__(self, model: MapModel) -> None:
        self._model = model
        N, device = len(model.points), model.points.device
        count = round((MOST_PROBLEMS / N) ** 0.5)
        count = min(max(count, FEWEST_NEAR), MOST_NEAR, N - 1)
        near = _nearest(model.points, min(max(count, MOST_AROUND), N - 1))
        a, b = torch.cartesian_prod(*[torch.arange(count, device=device)] * 2).T
        a, b = a[a != b], b[a != b]
        first = torch.arange(N, device=device)[:, None].expand(N, len(a))
        self._triples = torch.stack([first, near[:, a], near[:, b]], dim=2).flatten(0, 1)
        self._around = near[:, :MOST_AROUND]
        self._reach = max(count // 2, FEWEST_NEAR)

    def poses(self, frame: Frame) -> Iterator[Tensor]:
        """The most promising poses (H, 4, 4) of each set of keypoints, pulled onto a few."""
        few = frame.at_most(REFINED_WITH)
        for rows in self._sets(frame):
            poses = self._of_set(frame, rows)
            yield refine(self._model, poses, few, PULL) if len(poses) else poses

    def _sets(self, frame: Frame) -> list[Tensor]:
        """Rows (3,) of keypoints near each other, none twice: by turns the nearest of all, which
        most probably lie side by side in the map, and of some draws those that span most."""
        M = len(frame.xy)
        near = _nearest(frame.xy, min(self._reach, M - 1)).cpu()
        generator = torch.Generator().manual_seed(0)
        sets = dict[tuple[int, ...], Tensor]()
        for turn in range(2 * MOST_SETS):
            first = torch.randint(M, (1,), generator=generator)
            others = torch.rand(DRAWS, near.shape[1], generator=generator).topk(2).indices
            if turn % 2:
                others = torch.arange(2).expand(DRAWS, 2)
            rows = torch.cat([first.expand(DRAWS, 1), near[first[0]][others]], dim=1)
            corners = frame.xy.cpu()[rows]
            (x, y), (u, v) = ((corners[:, k] - corners[:, 0]).T for k in (1, 2))
            widest = rows[(x * v - y * u).abs().argmax()]
            sets.setdefault(tuple(sorted(widest.tolist())), widest)
            if len(sets) == MOST_SETS:
                break
        return list(sets.values())

    def _of_set(self, frame: Frame, rows: Tensor) -> Tensor:
        triples = self._triples
        if frame.pairs is not None:
            told = sum(frame.pairs[row, triples[:, k]] for k, row in enumerate(rows.tolist()))
            triples = triples[told > CONTRADICTED]
        bearings = frame.frustum.chart.bearings(frame.xy[rows])
        poses, row = p3p(bearings.expand(len(triples), 3, 3), self._model.points[triples])
        held = self._model.view_space.holds(poses)
        poses, first = poses[held], triples[row[held], 0]
        likeness = self._likeness(poses, first, frame, rows)
        return poses[likeness.topk(min(PROMISING, len(poses))).indices]

    def _likeness(self, poses: Tensor, first: Tensor, frame: Frame, rows: Tensor) -> Tensor:
        """How many of the keypoints about a set poses (H, 4, 4) explain by the landmarks about
        `first` (H,), softly counted."""
        chart, corners = frame.frustum.chart, frame.xy[rows]
        apart = (frame.xy - corners.mean(dim=0)).norm(dim=1)
        apart[rows] = torch.inf
        checks = frame.xy[apart.topk(min(CHECKS, len(apart) - 3), largest=False).indices]
        in_camera = transform_points(invert(poses), self._model.points[self._around[first]])
        x, y = chart.image(in_camera.unbind(-1), NEAREST * self._model.depth)
        error = (x[:, None] - checks[:, :1]).square() + (y[:, None] - checks[:, 1:]).square()
        slack = max(LOOSE * float(torch.pdist(corners).max()), 4 * frame.sigma)
        return torch.exp(-0.5 * error.amin(dim=2) / slack**2).sum(dim=1)


def _nearest(points: Tensor, count: int) -> Tensor:
    """Rows (N, count) of the nearest others of each of points (N, D)."""
    parts = [
        torch.cdist(some, points).topk(count + 1, largest=False).indices[:, 1:]
        for some in points.split(1024)
    ]
    return torch.cat(parts)
