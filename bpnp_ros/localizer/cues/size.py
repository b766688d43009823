"""Size: a feature of so many metres is so many pixels wide where the map's views see it from.

How far away a pose sees a point is left out: the depth is the one at which the point is usually
seen, and how much that varies is noise. So one table serves all poses.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.localizer.cues.cue import Array, own_noise
from bpnp_ros.map_model.map_model import MapModel

NOISE = 0.2
"""Standard deviation of the logarithm, of one feature from photograph to photograph."""


class Size:
    """Gaussian in log(pixels x depth / focal length)."""

    name = "size"

    def of_map(self, values: NDArray[Any], model: MapModel) -> _MapSize:
        depth, spread = model.log_depth
        own = float(own_noise(model, self.name, np.array([NOISE]))[0])
        noise, own = math.hypot(NOISE, spread), math.hypot(own, spread)
        return _MapSize(_log(values) - depth[:, None], noise, own)


class _MapSize:
    """points: (N, 1), the logarithm of the size on the z = 1 plane."""

    def __init__(self, log_size: NDArray[np.float64], noise: float, own: float) -> None:
        self._noise, self.noise = noise, np.array([own / noise])
        self.points: Array = (log_size / noise).astype(np.float32)

    def of_keypoints(self, values: NDArray[Any], pixel: float) -> Array:
        log: Array = (_log(np.asarray(values, np.float64) * pixel) / self._noise).astype(np.float32)
        return log


def _log(size: NDArray[Any]) -> NDArray[np.float64]:
    """(K, 1), NaN for what is not positive."""
    size = np.asarray(size, np.float64).reshape(-1, 1)
    known = np.isfinite(size) & (size > 0)
    return np.where(known, np.log(np.where(known, size, 1.0)), np.nan)
