"""Surfaces that hide what is behind them, made of the points that lie on them.

Points lie on a wall with gaps between them. A plane is taken for solid between points no further
apart than points are elsewhere; an opening, such as a door, is wider. So that walls meet walls and
ceilings, points next to a plane count as well, near those that lie in it.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.backends.opencv import closed, connected_components, greatest_around
from bpnp_ros.map_model.occlusion.planes import Array, Plane, Planes, distances

# lengths are in spacings: the distance of a point from its twelfth neighbour
SPACING_OF = 12
THICKNESS = 0.06
CELL = 0.2
GAP = 1.2  # half the width of a gap that is closed
FEWEST = 4  # points of a part
BESIDE = 0.8  # from a plane: points that count for it where it ends
_ASKED = 500

Mask = NDArray[np.bool_]


def spacing_of(points: NDArray[np.floating]) -> float:
    """Median distance of points (N, 3) from their twelfth neighbour, metres."""
    tensor = torch.from_numpy(np.asarray(points, np.float32))
    some = tensor[:: max(len(tensor) // _ASKED, 1)]
    count = min(SPACING_OF + 1, len(tensor))
    nearest = distances(some, tensor).topk(count, largest=False)
    return float(nearest.values[:, -1].median())


def solid_surfaces(points: Array) -> tuple[Array, NDArray[np.uint32]]:
    """Vertices (V, 3) and triangles (F, 3) of what seems solid between points (N, 3); none where
    they lie in no planes."""
    spacing = spacing_of(points)
    planes = Planes(points, THICKNESS * spacing)
    corners = [np.zeros((0, 4, 3))]
    for plane, rows in planes:
        sheet = _Sheet(plane, points[rows], spacing)
        planes.use(rows[sheet.holds(points[rows])])
        corners.append(sheet.rectangles(points))
    vertices = np.concatenate(corners)
    first = 4 * np.arange(len(vertices))[:, None, None]
    triangles = first + np.array([[0, 1, 2], [0, 2, 3]])
    return vertices.reshape(-1, 3), triangles.reshape(-1, 3).astype(np.uint32)


class _Sheet:
    """A plane in cells, from a border around some of its points (N, 3) to the opposite one."""

    def __init__(self, plane: Plane, points: Array, spacing: float) -> None:
        self._plane, self._spacing, self._cell = plane, spacing, CELL * spacing
        coordinates = plane.coordinates(points)
        border = 2 * GAP * spacing
        self._low = coordinates.min(axis=0) - border
        extent = coordinates.max(axis=0) + border - self._low
        self._shape = tuple(np.ceil(extent / self._cell).astype(int) + 1)
        self._solid = self._parts_of(points)

    def _parts_of(self, points: Array) -> Mask:
        """Connected parts that enough points lie in."""
        parts = connected_components(closed(self._marked(points), self._reach(GAP)))
        count = np.bincount(parts[tuple(self._cells(points).T)], minlength=1 + parts.max())
        solid: Mask = (count >= FEWEST)[parts] & (parts > 0)
        return solid

    def holds(self, points: Array) -> Mask:
        """Which points (N, 3) lie in solid parts."""
        held: Mask = self._solid[tuple(self._cells(points).T)]
        return held

    def _to_its_neighbours(self, points: Array) -> Mask:
        """Extended to where points beside the plane, such as those of the next wall, close it."""
        beside = points[self._plane.distance(points) < BESIDE * self._spacing]
        around = greatest_around(self._solid.astype(np.float32), self._reach(GAP)) > 0
        extended: Mask = self._solid | (around & closed(self._marked(beside), self._reach(GAP)))
        return extended

    def rectangles(self, points: Array) -> Array:
        """Corners (R, 4, 3) of a rectangle for every run of solid cells; points: of the map."""
        padded = np.pad(self._to_its_neighbours(points), ((0, 0), (1, 1))).astype(np.int8)
        steps = np.diff(padded, axis=1)
        (row, start), (_, end) = np.argwhere(steps > 0).T, np.argwhere(steps < 0).T
        ends = ((row, start), (row + 1, start), (row + 1, end), (row, end))
        corners = np.stack([np.stack(at, axis=1) for at in ends], axis=1)
        in_plane = self._low + corners.reshape(-1, 2) * self._cell
        return self._plane.lifted(in_plane).reshape(-1, 4, 3)

    def _reach(self, spacings: float) -> int:
        return round(spacings / CELL)

    def _cells(self, points: Array) -> NDArray[np.int64]:
        cells: NDArray[np.int64] = np.floor(
            (self._plane.coordinates(points) - self._low) / self._cell
        ).astype(np.int64)
        return cells

    def _marked(self, points: Array) -> Mask:
        cells = self._cells(points)
        cells = cells[((cells >= 0) & (cells < self._shape)).all(axis=1)]
        mask = np.zeros(self._shape, bool)
        mask[tuple(cells.T)] = True
        return mask
