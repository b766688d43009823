"""The frame in which a network for any map sees points, wherever they lie and in any unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def canonical_frame(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Origin (3,) and unit of points (N, 3), N > 0.

    The median point, and the median distance from it: a scene from structure from motion has an
    arbitrary frame, and points far astray.
    """
    origin = np.median(points, axis=0)
    unit = float(np.median(np.linalg.norm(points - origin, axis=1)))
    return origin, max(unit, 1e-12)


def canonical_frames(points: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    """Origins (B, 1, 3) and units (B, 1, 1) of B sets (B, N, 3), of which some are true (B, N)."""
    alone = points.masked_fill(~true[..., None], float("nan"))
    origin = alone.nanmedian(dim=1, keepdim=True).values
    distance = (alone - origin).norm(dim=2, keepdim=True)
    return origin, distance.nanmedian(dim=1, keepdim=True).values.clamp_min(1e-12)
