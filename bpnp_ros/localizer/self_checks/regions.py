"""A map in cells, so that something can be said of its parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]
Cell = tuple[int, int, int]

SIDE, PLACE = 0.25, 0.4  # of a cell, and of a place, in depths of what the map shows


@dataclass(frozen=True, eq=False)
class Regions:
    """Cubes with map points in them. of_point: (N,) row of each point's region.

    cells: (R, 3) whole-numbered coordinates. side: of a cube, metres. points: (N, 3) in the map's
    own frame, cells being counted in the recentred one.
    """

    of_point: NDArray[np.int64]
    cells: NDArray[np.int64]
    side: float
    points: Array

    @classmethod
    def of(cls, model: MapModel) -> Regions:
        side, points = SIDE * model.depth, model.point_map.points.astype(np.float64)
        cells = np.floor(points / side).astype(np.int64)
        cells, of_point = np.unique(cells, axis=0, return_inverse=True)
        return cls(of_point.ravel(), cells, side, points + model.point_map.origin)

    def __len__(self) -> int:
        return len(self.cells)

    def place(self, position: Array) -> Cell:
        """Where a camera at a position (3,) in the recentred map is, for all that it sees."""
        x, y, z = np.floor(position / (PLACE / SIDE * self.side)).astype(int).tolist()
        return x, y, z

    def middle(self, rows: NDArray[np.int64]) -> Array:
        """Mean (3,) of the points of some regions, in the map's own frame."""
        mean: Array = self.points[np.isin(self.of_point, rows)].mean(axis=0)
        return mean

    def parts(self, chosen: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
        """The chosen regions (R,) put together where they touch, those with most points first."""
        left, parts = set(np.flatnonzero(chosen).tolist()), list[NDArray[np.int64]]()
        while left:
            part, edge = list[int](), [left.pop()]
            while edge:
                part += edge
                touching = {row for row in left if self._touches(row, edge)}
                left, edge = left - touching, list(touching)
            parts.append(np.array(sorted(part)))
        size = np.bincount(self.of_point, minlength=len(self))
        return sorted(parts, key=lambda rows: -int(size[rows].sum()))

    def _touches(self, row: int, others: list[int]) -> bool:
        return bool((np.abs(self.cells[others] - self.cells[row]).max(axis=1) <= 1).any())
