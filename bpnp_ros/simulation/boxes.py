"""Axis-aligned boxes: the solid matter of a simulated world, and rays against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
_TRIANGLES = np.array(
    [
        *[[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]],
        *[[2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]],
    ]
)


@dataclass(frozen=True, eq=False)
class Boxes:
    """Solid boxes. lower, upper: (K, 3) metres."""

    lower: Array
    upper: Array

    def occlude(self, start: Array, ends: Array, slack: float = 1e-3) -> NDArray[np.bool_]:
        """Whether a box stands between `start` (3,) and each of `ends` (N, 3) -> (N,).

        The last `slack` metres before an end do not count, so that a point on a surface is seen.
        """
        ray = ends - start
        length = np.linalg.norm(ray, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            to_lower = (self.lower - start)[None] / ray[:, None]
            to_upper = (self.upper - start)[None] / ray[:, None]
        enter = np.fmax.reduce(np.fmin(to_lower, to_upper), axis=2)
        leave = np.fmin.reduce(np.fmax(to_lower, to_upper), axis=2)
        last = 1 - slack / np.maximum(length, slack)
        hit = (enter < leave) & (leave > 0) & (np.maximum(enter, 0) < last[:, None])
        blocked: NDArray[np.bool_] = np.logical_or.reduce(hit, axis=1)
        return blocked

    def contain(self, points: Array, margin: float = 0.0) -> NDArray[np.bool_]:
        """Which points (N, 3) lie in a box grown by `margin` metres -> (N,)."""
        above = points[:, None] > self.lower - margin
        below = points[:, None] < self.upper + margin
        within = np.logical_and.reduce(above & below, axis=2)
        inside: NDArray[np.bool_] = np.logical_or.reduce(within, axis=1)
        return inside

    def grown(self, margin: float) -> Boxes:
        """The same boxes, larger by `margin` metres on every side."""
        return Boxes(self.lower - margin, self.upper + margin)

    def mesh(self) -> tuple[Array, NDArray[np.int64]]:
        """Vertices (8 K, 3) and triangles (12 K, 3) of all boxes."""
        size = (self.upper - self.lower)[:, None]
        vertices = self.lower[:, None] + _CORNERS[None] * size
        triangles = _TRIANGLES[None] + 8 * np.arange(len(size))[:, None, None]
        return vertices.reshape(-1, 3), triangles.reshape(-1, 3)
