"""Blob sign: whether a feature is brighter (+1) or darker (-1) than what is around it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.localizer.cues.cue import Array
from bpnp_ros.map_model.map_model import MapModel

TURNED = 0.05  # share of features whose sign is another in another photograph
DECIDED = 0.5  # of the mean over photographs, from -1 to 1


class Sign:
    """Equal, or turned round."""

    name = "sign"

    def of_map(self, values: NDArray[Any], model: MapModel) -> _MapSign:
        return _MapSign(_two_sided(values))


class _MapSign:
    def __init__(self, points: Array) -> None:
        self.points = points

    def of_keypoints(self, values: NDArray[Any], pixel: float) -> Array:
        return _two_sided(values)


def _two_sided(values: NDArray[Any]) -> Array:
    """(K, 1), so far apart that a turned sign is as rare as it is."""
    mean = np.asarray(values, np.float64).reshape(-1, 1)
    half = math.sqrt(math.log((1 - TURNED) / TURNED) / 2)
    sides: Array = np.where(np.abs(mean) >= DECIDED, half * np.sign(mean), np.nan).astype("f4")
    return sides
