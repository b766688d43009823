"""Intensity: how bright a light or a return is, about the median of frame and of map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.localizer.cues.cue import ONE, Array
from bpnp_ros.map_model.map_model import MapModel

NOISE = 0.5  # in spreads of the map, of the frame: their units have nothing to do with each other


class Intensity:
    """Gaussian in spreads about the median: no more than brighter and darker is known."""

    name = "intensity"

    def of_map(self, values: NDArray[Any], model: MapModel) -> _MapIntensity:
        return _MapIntensity(_about_median(values))


class _MapIntensity:
    noise = ONE

    def __init__(self, points: Array) -> None:
        self.points = points

    def of_keypoints(self, values: NDArray[Any], pixel: float) -> Array:
        return _about_median(values)


def _about_median(values: NDArray[Any]) -> Array:
    """(K, 1) in units of the noise; unknown where all are alike."""
    values = np.asarray(values, np.float64).reshape(-1, 1)
    known = values[np.isfinite(values)]
    low, middle, high = np.percentile(known, (16, 50, 84)) if len(known) else (0.0, 0.0, 0.0)
    if high <= low:
        return np.full(values.shape, np.nan, np.float32)
    centred: Array = ((values - middle) / (0.5 * (high - low)) / NOISE).astype(np.float32)
    return centred
