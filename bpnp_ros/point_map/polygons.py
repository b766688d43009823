"""Triangles out of what meshes are made of: polygons of any number of corners, and strips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import MapError

Whole = NDArray[np.int64]

_END_OF_STRIP = -1


def triangles_of_polygons(
    lengths: Whole, corners: Whole, vertices: NDArray[np.float64], path: Path
) -> Whole:
    """Polygons one after the other, `lengths` (F,) corners each -> triangles (T, 3).

    A polygon may be concave, but not cross itself. Those of less than three corners are left out.
    Raises MapError for corners that are no rows of `vertices` (V, 3).
    """
    refuse_foreign_corners(corners, len(vertices), path)
    starts = np.cumsum(lengths) - lengths
    pieces = [np.zeros((0, 3), np.int64)]
    for count in np.unique(lengths[lengths > 2]):
        polygons = corners[starts[lengths == count][:, None] + np.arange(count)]
        if count == 3:
            pieces.append(polygons)
            continue
        concave = _concave(vertices[polygons])
        middle = np.arange(1, count - 1)
        fan = np.stack([np.zeros_like(middle), middle, middle + 1], axis=1)
        pieces.append(polygons[~concave][:, fan].reshape(-1, 3))
        pieces += [polygon[_clip_ears(vertices[polygon])] for polygon in polygons[concave]]
    return np.concatenate(pieces)


def triangles_of_strips(
    lengths: Whole, corners: Whole, vertices: NDArray[np.float64], path: Path
) -> Whole:
    """Strips one after the other, also several in one list with -1 between -> triangles (T, 3)."""
    ends = np.cumsum(lengths)
    parts = np.split(corners, ends[:-1]) if len(ends) else []
    strips = [piece for part in parts for piece in _between_ends(part)]
    pieces = [np.zeros((0, 3), np.int64)]
    for strip in strips:
        triangles = np.stack([strip[:-2], strip[1:-1], strip[2:]], axis=1)
        triangles[1::2] = triangles[1::2, [1, 0, 2]]
        a, b, c = triangles.T
        pieces.append(triangles[(a != b) & (b != c) & (a != c)])
    found = np.concatenate(pieces)
    refuse_foreign_corners(found, len(vertices), path)
    return found


def _between_ends(corners: Whole) -> list[Whole]:
    parts = np.split(corners, np.flatnonzero(corners == _END_OF_STRIP))
    cleaned = [part[part != _END_OF_STRIP] for part in parts]
    return [part for part in cleaned if len(part) > 2]


def refuse_foreign_corners(corners: Whole, vertices: int, path: Path) -> None:
    """Raise MapError for corners that are no row of the `vertices` there are."""
    wrong = corners[(corners < 0) | (corners >= vertices)]
    if len(wrong):
        raise MapError(
            f"{path} has a face at vertex {wrong[0]}, but only {vertices} vertices; write it again."
        )


def _normals(polygons: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of polygons (P, C, 3), by Newell's method -> (P, 3), twice the area long."""
    centred = polygons - polygons[:, :1]
    return np.cross(centred, np.roll(centred, -1, axis=1)).sum(axis=1)


def _concave(polygons: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which polygons (P, C, 3) turn the other way at a corner -> (P,)."""
    edges = np.roll(polygons, -1, axis=1) - polygons
    turns = np.cross(np.roll(edges, 1, axis=1), edges)
    turn = np.einsum("pci,pi->pc", turns, _normals(polygons))
    scale = np.abs(turn).max(axis=1, initial=0, keepdims=True)
    return np.asarray((turn < -1e-9 * scale).any(axis=1))


def _clip_ears(polygon: NDArray[np.float64]) -> Whole:
    """Corners (C - 2, 3) of a polygon (C, 3): cut off a triangle without other corners in it."""
    normal = _normals(polygon[None])[0]
    flat = np.delete(polygon, np.abs(normal).argmax(), axis=1)  # seen along its steepest axis
    flat = flat if _area(flat) > 0 else flat * [-1, 1]
    left, triangles = list(range(len(flat))), []
    while len(left) > 3:
        ear = next((at for at in range(len(left)) if _is_ear(flat[left], at)), 0)
        triangles.append([left[ear - 1], left[ear], left[(ear + 1) % len(left)]])
        del left[ear]
    return np.array([*triangles, left], np.int64)


def _area(flat: NDArray[np.float64]) -> float:
    x, y = flat.T
    return float(x @ np.roll(y, -1) - np.roll(x, -1) @ y)


def _is_ear(flat: NDArray[np.float64], at: int) -> bool:
    corners = [at - 1, at, (at + 1) % len(flat)]
    triangle = flat[corners]
    if _area(triangle) <= 0:
        return False
    others = np.delete(flat, corners, axis=0)
    edges = np.roll(triangle, -1, axis=0) - triangle
    offset = others[:, None] - triangle
    inside = edges[:, 0] * offset[..., 1] - edges[:, 1] * offset[..., 0] >= 0
    return not inside.all(axis=1).any()
