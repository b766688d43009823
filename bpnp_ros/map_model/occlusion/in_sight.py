"""Which points of a map are in sight of a place, told from the points alone.

Two things hide a point: a surface that other points lie on, and a thing in front of it that is no
plane, which hidden-point removal tells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends.open3d import RayCaster, hidden_point_removal
from bpnp_ros.map_model.occlusion.surfaces import solid_surfaces, spacing_of

Points = NDArray[np.float32]

MOST_AROUND = 3000
"""Points about a place that are looked at; those farther off are small, and hidden by these."""
HIDING_RADIUS = 20.0
"""Of hidden-point removal: the smaller, the more a thing hides. Surfaces hide what it leaves."""
TOLERANCE = 0.1  # spacings before a point that hide nothing


class InSight:
    """points: (N, 3), metres."""

    def __init__(self, points: Points) -> None:
        self._points = points
        vertices, triangles = solid_surfaces(points.astype(np.float64))
        self._surfaces = RayCaster(vertices, triangles) if len(triangles) else None
        self._tolerance = TOLERANCE * spacing_of(points)

    def __call__(self, positions: Points) -> NDArray[np.bool_]:
        """From positions (P, 3): (P, N)."""
        seen = np.zeros((len(positions), len(self._points)), bool)
        for row, position in zip(seen, positions, strict=True):
            row[self._from(position)] = True
        return seen

    def _from(self, position: Points) -> NDArray[np.int64]:
        near = self._nearest(position)
        near = near[hidden_point_removal(self._points[near], position, HIDING_RADIUS)]
        if self._surfaces is None:
            return near
        free = self._surfaces.visible(position[None], self._points[near], self._tolerance)
        return near[free[0]]

    def _nearest(self, position: Points) -> NDArray[np.int64]:
        """Rows of the MOST_AROUND points that are nearest to a position (3,)."""
        if len(self._points) <= MOST_AROUND:
            return np.arange(len(self._points))
        distance = np.square(self._points - position).sum(axis=1)
        return np.argpartition(distance, MOST_AROUND)[:MOST_AROUND]
