"""A map as the localiser uses it: recentred float32 points with their offset kept in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class PointMap:
    """Map points that a detector can find again.

    points: (N, 3) float32, metres, relative to `origin`.
    origin: (3,) float64, the map's own coordinates of the recentred zero.
    detectability: (N,) float32 in (0, 1], the chance that a point in view is detected.
    """

    points: NDArray[np.float32]
    origin: NDArray[np.float64]
    detectability: NDArray[np.float32]

    @classmethod
    def recentred(
        cls, points: NDArray[np.float64], detectability: NDArray[np.float32] | None = None
    ) -> PointMap:
        """Move the centre of the bounding box to zero before rounding to float32."""
        origin = 0.5 * (points.min(axis=0) + points.max(axis=0))
        if detectability is None:
            detectability = np.ones(len(points), np.float32)
        return cls((points - origin).astype(np.float32), origin, detectability)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def extent(self) -> float:
        """Length of the bounding box's diagonal, metres."""
        return float(np.linalg.norm(np.ptp(self.points, axis=0)))
