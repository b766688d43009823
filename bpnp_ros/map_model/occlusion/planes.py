"""Planes that many neighbouring points of a map lie in: walls, floors, ceilings, boards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

NEIGHBOURS = 40  # of a point, among which a plane through it is looked for
LEAST = 15  # of them that it must hold
SEEDS, TRIPLES = 64, 64  # tried for each plane
LEAST_AREA = 10.0  # of the parallelogram of a triple, in squares of the thickness
PATIENCE = 8  # rounds without a plane
WINDOW = 10  # times the neighbourhood in which a plane was found: as far as it is followed


@dataclass(frozen=True, eq=False)
class Plane:
    """normal, centre: (3,). axes: (3, 2), of coordinates in the plane."""

    normal: Array
    centre: Array
    axes: Array

    @classmethod
    def through(cls, points: Array) -> Plane:
        """Closest to points (N, 3), N >= 3, in the least-squares sense."""
        centre = points.mean(axis=0)
        _, _, Vh = np.linalg.svd(points - centre, full_matrices=False)
        return cls(Vh[2], centre, Vh[:2].T)

    def distance(self, points: Array) -> Array:
        """Of points (N, 3) from the plane, (N,)."""
        distance: Array = np.abs((points - self.centre) @ self.normal)
        return distance

    def coordinates(self, points: Array) -> Array:
        """Of points (N, 3) projected onto the plane, (N, 2)."""
        in_plane: Array = (points - self.centre) @ self.axes
        return in_plane

    def lifted(self, coordinates: Array) -> Array:
        """Points (N, 3) of coordinates (N, 2) in the plane."""
        points: Array = self.centre + coordinates @ self.axes.T
        return points


def distances(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Between points (N, 3) and (M, 3), (N, M), exact also where points are far from the origin."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


class Planes:
    """Finds one plane after the other; whoever uses it says which points each has used up."""

    def __init__(self, points: Array, thickness: float, seed: int = 0) -> None:
        """points: (N, 3). thickness: how far from a plane its points lie at most, metres."""
        self._points, self._thickness = points, thickness
        self._left = np.arange(len(points))
        self._rng = np.random.default_rng(seed)

    def __iter__(self) -> Iterator[tuple[Plane, Rows]]:
        """Planes, and the rows left in each that are not far from those it was found by."""
        in_vain = 0
        while in_vain < PATIENCE and len(self._left) >= LEAST:
            found = self._best_of_some()
            in_vain += 1
            if len(found) < LEAST:
                continue
            plane = Plane.through(self._points[found])
            rows = self._about(self._points[found])
            rows = rows[plane.distance(self._points[rows]) < self._thickness]
            self.use(found)
            if len(rows) >= LEAST:
                in_vain = 0
                yield plane, rows

    def _about(self, points: Array) -> Rows:
        reach = WINDOW * float(np.linalg.norm(np.ptp(points, axis=0)))
        away = np.abs(self._points[self._left] - points.mean(axis=0)).max(axis=1)
        return self._left[away < reach]

    def use(self, rows: Rows) -> None:
        """Rows that lie in a plane already."""
        self._left = np.setdiff1d(self._left, rows, assume_unique=True)

    def _best_of_some(self) -> Rows:
        """Neighbours in one plane, as many as are found about a few random points."""
        points = torch.from_numpy(self._points[self._left]).float()
        seeds = torch.from_numpy(self._rng.integers(len(points), size=SEEDS))
        count = min(NEIGHBOURS, len(points))
        rows = distances(points[seeds], points).topk(count, largest=False).indices
        about = (points[rows] - points[seeds][:, None]) / self._thickness
        chosen = torch.from_numpy(self._rng.integers(1, count, size=(SEEDS, TRIPLES, 2)))
        edges = about[torch.arange(SEEDS)[:, None, None], chosen]
        one, other = edges.unbind(dim=2)
        normal = torch.cross(one, other, dim=2)
        area = normal.norm(dim=2, keepdim=True)
        inside = (normal @ about.transpose(1, 2)).abs() < area
        inside &= area > LEAST_AREA
        seed, triple = divmod(int(inside.sum(dim=2).argmax()), TRIPLES)
        return self._left[rows[seed][inside[seed, triple]].numpy()]
