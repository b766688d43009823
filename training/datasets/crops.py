"""Simulated sets as crops of a map give them, from easy to hard.

Unlike in `simulated`, the shares of unmatched keypoints and points differ, most of what is
unmatched in either set lies on the same surfaces as the pairs and in the same texture, and the map
may go on all around.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.datasets.sample import Sample
from training.datasets.simulated import SCENES, View, measured_by, two_views
from training.datasets.solids import AIM, Solids, make_solids

Array = NDArray[np.float64]

CLEAN = 0.2
"""Progress up to which nothing is unmatched."""
HIGHEST_RATE = 0.9
WHOLE_MAPS_FROM, WHOLE_MAPS = 0.3, 0.25
POINTS = ((0.7, 256), (0.5, 128), (0.38, 96), (0.0, 64))
"""From which progress on how many."""
RAYS_A_POINT = 8
LEAST_PAIRS, FEWEST_PAIRS = 30, 8
TEXTURED = 0.6
"""Share of scenes whose points are thick about some spots, the same for both cameras."""


@dataclass(frozen=True, eq=False)
class SimulatedCrops:
    """highest_rate: of unmatched / all, in either set. whole_maps: share of samples whose map
    goes on all around. most: points of a set.
    """

    highest_rate: float
    whole_maps: float
    most: int

    @classmethod
    def at(cls, progress: float, most: int) -> SimulatedCrops:
        """What to learn when a share of the training is done, 0 to 1."""
        rate = min(HIGHEST_RATE, 0.3 + 2.5 * (progress - CLEAN)) if progress >= CLEAN else 0.0
        points = next(points for start, points in POINTS if progress >= start)
        whole_maps = WHOLE_MAPS if progress >= WHOLE_MAPS_FROM else 0.0
        return cls(rate, whole_maps, min(points, most))

    def __len__(self) -> int:
        return SCENES["train"]

    def draw(self, index: int, rng: Generator) -> Sample:
        whole = rng.random() < self.whole_maps
        query, pairs, lone_2d, lone_3d = _look_at_something(whole, RAYS_A_POINT * self.most, rng)
        rate_2d, rate_3d = self._rates(whole, rng)
        K = max(self._pairs(len(pairs), rate_2d, rate_3d), FEWEST_PAIRS)
        unseen, missed = np.split(pairs[K:], [rng.integers(len(pairs) - K + 1)])
        lone_2d = rng.permutation(np.concatenate([lone_2d, unseen]))
        lone_3d = rng.permutation(np.concatenate([lone_3d, missed]))
        return measured_by(
            query,
            pairs[:K],
            lone_2d[: round(K * rate_2d / (1 - rate_2d))],
            lone_3d[: round(K * rate_3d / (1 - rate_3d))],
            rng,
        )

    def _rates(self, whole: bool, rng: Generator) -> tuple[float, float]:
        """Of keypoints and points; none at times, the same in both at times."""
        if rng.random() < 0.15:
            return 0.0, 0.0
        rate_2d, rate_3d = rng.uniform(0, self.highest_rate, 2)
        rate_3d = rate_2d if rng.random() < 0.4 else rate_3d
        return rate_2d, max(rate_3d, 0.4 * self.highest_rate * whole)

    def _pairs(self, available: int, *rates: float) -> int:
        return min(available, *(int(self.most * (1 - rate)) for rate in rates))


def _look_at_something(whole: bool, rays: int, rng: Generator) -> tuple[View, Array, Array, Array]:
    """The query, and in random order what it shares with the map, what it sees beside that, and
    points of the map that it has no keypoint of; whole: with those from all around.
    """
    while True:
        solids, (query, other) = make_solids(rng), two_views(rng)
        seen, mapped = (view.keypoints(solids, rng, rays) for view in (query, other))
        if whole:
            mapped = np.concatenate([mapped, *_seen_all_around(solids, rng)])
        if rng.random() < TEXTURED and len(seen):
            seen, mapped = _about_spots(seen, mapped, rng)
        shared = other.sees(seen, solids)
        if shared.sum() >= LEAST_PAIRS:
            return query, rng.permutation(seen[shared]), seen[~shared], mapped


def _about_spots(seen: Array, mapped: Array, rng: Generator) -> tuple[Array, Array]:
    """Of either set (., 3) what lies about some of the points, and a few elsewhere."""
    both = np.concatenate([seen, mapped])
    spots = both[rng.integers(len(both), size=rng.integers(5, 60))]
    width, elsewhere = rng.uniform(0.02, 0.25), rng.uniform(0, 0.5)
    distance = np.linalg.norm(both[:, None] - spots, axis=2).min(axis=1)
    kept = rng.random(len(both)) < np.maximum(np.exp(-0.5 * (distance / width) ** 2), elsewhere)
    return seen[kept[: len(seen)]], mapped[kept[len(seen) :]]


def _seen_all_around(solids: Solids, rng: Generator) -> list[Array]:
    """What some cameras anywhere about the scene see of it, positions (., 3) each."""
    return [_around(rng).keypoints(solids, rng) for _ in range(rng.integers(2, 6))]


def _around(rng: Generator) -> View:
    """A camera that looks at the scene from anywhere."""
    half = np.exp(rng.uniform(math.log(0.3), math.log(0.9))) * np.ones(2)
    yaw, tilt = rng.normal(0, rng.uniform(0.2, 1.5)), rng.normal(0, 0.3)
    flat = math.cos(tilt)
    away = np.array([math.sin(yaw) * flat, math.sin(tilt), -math.cos(yaw) * flat])
    position = AIM + rng.uniform(0.5, 1.3) * away
    return View.towards(AIM + rng.normal(0, 0.2, 3), position, half, rng)
