"""A map as the localiser uses it: recentred float32 points with their offset kept in float64."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bpnp_ros.point_map.sfm.sfm_model import SfmModel


@dataclass(frozen=True, eq=False)
class PointMap:
    """Map points that a detector can find again.

    points: (N, 3) float32, metres, relative to `origin`.
    origin: (3,) float64, the map's own coordinates of the recentred zero.
    detectability: (N,) float32 in (0, 1], the chance that a point in view is detected.
    cues: what else is known of the points, each (N, ...), where the map's file has it: `rgb`
        (N, 3) uint8, 0 where unknown; `intensity`, `size` (N,) and `normals` (N, 3) float32, NaN
        where unknown; `label` (N,) int32, -1 where unknown; `angle` (N, 3) float32, unit vectors
        along which features are oriented, NaN where unknown.
    photographs: the mapping cameras and what each of them saw, rows and unit as here, of a map from
        structure from motion; else None.
    cue_noise: by cue, (D,) how much it differs from photograph to photograph; see `cue_noise.py`.
    """

    points: NDArray[np.float32]
    origin: NDArray[np.float64]
    detectability: NDArray[np.float32]
    cues: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    photographs: SfmModel | None = field(default=None, repr=False)
    cue_noise: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def recentred(
        cls,
        points: NDArray[np.float64],
        detectability: NDArray[np.float32] | None = None,
        cues: Mapping[str, NDArray[Any]] | None = None,
    ) -> PointMap:
        """Move the centre of the bounding box to zero before rounding to float32."""
        origin = 0.5 * (points.min(axis=0) + points.max(axis=0))
        if detectability is None:
            detectability = np.ones(len(points), np.float32)
        return cls((points - origin).astype(np.float32), origin, detectability, cues or {})

    def take(self, rows: NDArray[np.int64]) -> PointMap:
        """The map of some of its points, in the same coordinates, without its photographs."""
        return replace(
            self,
            points=self.points[rows],
            detectability=self.detectability[rows],
            cues={name: cue[rows] for name, cue in self.cues.items()},
            photographs=None,
        )

    def __len__(self) -> int:
        return len(self.points)

    @property
    def in_map_frame(self) -> NDArray[np.float64]:
        """The points (N, 3) in the map's own coordinates."""
        return self.points.astype(np.float64) + self.origin

    @property
    def extent(self) -> float:
        """Length of the bounding box's diagonal, metres."""
        return float(np.linalg.norm(np.ptp(self.points, axis=0)))
