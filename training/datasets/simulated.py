"""Simulated scenes without end, to train weights for any map: nothing has to be fetched for them.

Two cameras look at made-up solids. The keypoints are what the first one sees, the map points what
the second one sees, as with photographs of which one is looked up by the other (`sfm`). Every draw
is another scene. The ranges of poses, fields of view and depths are wide, and chosen by us.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.network.canonical_frame import canonical_frame
from training.datasets.sample import Sample
from training.datasets.solids import AIM, Solids, make_solids

Array = NDArray[np.float64]

SCENES = {"train": 4096, "test": 256}
"""Draws an epoch."""
RAYS, LEAST, MOST = 600, 64, 512
HIGHEST_RATE = 0.75
TURNS = (math.radians(30), math.radians(80))
"""Standard deviations of the map's turn against the camera; either is as likely."""
SLACK = 0.01


@dataclass(frozen=True, eq=False)
class SimulatedScenes:
    """outlier_rate: unmatched / all in each set; below 0 it is 0 for half of the samples and drawn
    evenly up to 0.75 for the others.
    """

    split: str
    outlier_rate: float = -1.0

    def __len__(self) -> int:
        return SCENES[self.split]

    def draw(self, index: int, rng: Generator) -> Sample:
        own = np.random.default_rng([list(SCENES).index(self.split), *rng.integers(2**32, size=4)])
        while True:
            sample = _look_at(make_solids(own), self._rate(own), own)
            if sample is not None:
                return sample

    def _rate(self, rng: Generator) -> float:
        if self.outlier_rate >= 0:
            return self.outlier_rate
        return rng.uniform(0, HIGHEST_RATE) if rng.random() < 0.5 else 0.0


@dataclass(frozen=True, eq=False)
class View:
    """A pinhole camera: R (3, 3) world-to-camera, position (3,), half its image (2,) at z = 1."""

    R: Array
    position: Array
    half: Array

    @classmethod
    def towards(cls, aim: Array, position: Array, half: Array, rng: Generator) -> View:
        """From position (3,) to aim (3,), a little rolled."""
        forward = (aim - position) / np.linalg.norm(aim - position)
        right = np.cross(np.array([rng.normal(0, 0.1), 1.0, 0.0]), forward)
        right /= np.linalg.norm(right)
        return cls(np.stack([right, np.cross(forward, right), forward]), position, half)

    def sees(self, points: Array, solids: Solids) -> NDArray[np.bool_]:
        """Which of the points (N, 3) are in the image and not hidden."""
        x = (points - self.position) @ self.R.T
        seen = (x[:, 2] > 0) & (np.abs(x[:, :2]) < self.half * x[:, 2:]).all(axis=1)
        seen[seen] = solids.seen_from(self.position, points[seen], SLACK)
        return seen

    def keypoints(self, solids: Solids, rng: Generator, rays: int = RAYS) -> Array:
        """Points (N, 3) on the solids, in clusters and alone, where the texture has it."""
        pixels = _pixels(self.half, rng, rays)
        directions = np.column_stack([pixels, np.ones(len(pixels))]) @ self.R
        distance, solid = solids.first_hit(self.position, directions)
        hit = np.isfinite(distance) & (rng.random(len(pixels)) < solids.texture[solid])
        return self.position + distance[hit, None] * directions[hit]


def _look_at(solids: Solids, rate: float, rng: Generator) -> Sample | None:
    """A sample of these solids; None where too little is seen by both cameras."""
    query, other = two_views(rng)
    seen, mapped = query.keypoints(solids, rng), other.keypoints(solids, rng)
    shared, known = other.sees(seen, solids), query.sees(mapped, solids)
    pairs, lone_2d, lone_3d = seen[shared], seen[~shared], mapped[~known]
    K, lone = _counts(len(pairs), min(len(lone_2d), len(lone_3d)), rate)
    if K + lone < LEAST:
        return None
    return measured_by(query, pairs[:K], lone_2d[:lone], lone_3d[:lone], rng)


def measured_by(
    query: View, pairs: Array, lone_2d: Array, lone_3d: Array, rng: Generator
) -> Sample:
    """A sample with noise of true positions (., 3): of pairs, and of what is in one set only."""
    roughness = rng.choice([0.0, rng.uniform(0, 0.02)])
    points = np.concatenate([pairs, lone_3d])
    points *= 1 + roughness * rng.normal(size=(len(points), 1))
    keypoints = np.concatenate([points[: len(pairs)], lone_2d])
    sigma = rng.uniform(0.5, 2) / 1000 * query.half.max()
    xy = keypoints[:, :2] / keypoints[:, 2:] + rng.normal(0, sigma, (len(keypoints), 2))
    depth = np.abs(points[:, 2:])
    points += depth * sigma * rng.normal(size=points.shape) * [0.5, 0.5, 3]
    partner = np.append(np.arange(len(pairs)), np.full(len(lone_3d), -1))
    return _in_canonical_frame(xy, points, partner, rng)


def _counts(pairs: int, lone: int, rate: float) -> tuple[int, int]:
    """How many pairs and how many unmatched of each set give an outlier rate."""
    pairs = min(pairs, int(MOST * (1 - rate)))
    if rate > 0:
        pairs = min(pairs, int(lone * (1 - rate) / rate))
    return pairs, round(pairs * rate / (1 - rate))


def two_views(rng: Generator) -> tuple[View, View]:
    """The query at the origin, looking along z, and another one near by that looks the same way."""
    half = np.exp(rng.uniform(math.log(0.2), math.log(1.0))) * np.exp(rng.uniform(-0.3, 0.3, 2))
    position = rng.uniform(0, 0.4) * rng.normal(size=3) * [1, 1, 0.5]
    aim = AIM + 0.2 * half.max() * rng.normal(size=3)
    return View(np.eye(3), np.zeros(3), half), View.towards(aim, position, half, rng)


def _pixels(half: Array, rng: Generator, count: int) -> Array:
    """Where keypoints may be, on the z = 1 plane: at most so many (., 2)."""
    clusters = rng.uniform(-1, 1, (rng.integers(5, 60), 2))
    width = rng.uniform(0.02, 0.2, (len(clusters), 1))
    of = rng.integers(len(clusters), size=count)
    clustered = clusters[of] + width[of] * rng.normal(size=(count, 2))
    everywhere = rng.uniform(-1, 1, (count, 2))
    pixels = np.where(rng.random((count, 1)) < rng.uniform(0, 1), clustered, everywhere)
    return half * pixels[(np.abs(pixels) < 1).all(axis=1)]


def _in_canonical_frame(
    xy: Array, points: Array, partner: NDArray[np.int64], rng: Generator
) -> Sample:
    """Turn the map, and give it the origin and unit that networks for any map expect.

    points: (N, 3) in the query's camera.
    """
    axis = rng.normal(size=3) * [0.7, 1, 0.7]
    turn = rng.normal(0, rng.choice(TURNS)) * axis / np.linalg.norm(axis)
    R = so3_exp(torch.from_numpy(turn)).numpy()
    turned = points @ R
    origin, unit = canonical_frame(turned)
    p3d, t = (turned - origin) / unit, R @ origin / unit
    return Sample(xy, p3d, partner, R, t, np.ones(len(points)))
