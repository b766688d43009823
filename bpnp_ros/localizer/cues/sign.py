"""Blob sign: whether a feature is brighter (+1) or darker (-1) than what is around it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.localizer.cues.cue import ONE, Array, own_noise
from bpnp_ros.map_model.map_model import MapModel

TURNED = 0.05
"""Share of features whose sign is another in another photograph, where a map's do not tell."""
DECIDED = 0.5  # of the mean over photographs, from -1 to 1


class Sign:
    """Equal, or turned round."""

    name = "sign"

    def of_map(self, values: NDArray[Any], model: MapModel) -> _MapSign:
        turned = float(own_noise(model, self.name, np.array([TURNED]))[0])
        return _MapSign(values, math.sqrt(math.log((1 - turned) / turned) / 2))


class _MapSign:
    noise = ONE

    def __init__(self, values: NDArray[Any], half: float) -> None:
        """half: of the distance at which a turned sign is as rare as it is."""
        self._half = half
        self.points = self.of_keypoints(values, 1.0)

    def of_keypoints(self, values: NDArray[Any], pixel: float) -> Array:
        mean = np.asarray(values, np.float64).reshape(-1, 1)
        decided = np.where(np.abs(mean) >= DECIDED, np.sign(mean), np.nan)
        sides: Array = (self._half * decided).astype(np.float32)
        return sides
