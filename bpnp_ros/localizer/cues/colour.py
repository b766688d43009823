"""Colour, in CIELAB and about the median of frame and of map: exposure and white balance move all
colours of an image together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.keypoints.image_cues import lab_about_median
from bpnp_ros.localizer.cues.cue import Array, own_noise
from bpnp_ros.map_model.map_model import MapModel

NOISE = np.array([15.0, 6.0, 7.0])
"""Standard deviation of L, a and b of one point from photograph to photograph."""


class Colour:
    """Gaussian in CIELAB."""

    name = "rgb"

    def of_map(self, values: NDArray[Any], model: MapModel) -> _MapColour:
        return _MapColour(values, own_noise(model, self.name, NOISE) / NOISE)


class _MapColour:
    """Black points are those whose colour nobody knows."""

    def __init__(self, values: NDArray[Any], noise: NDArray[np.float64]) -> None:
        rgb = np.asarray(values, np.float64).reshape(-1, 3)
        self.points = _centred(np.where((rgb > 0).any(axis=1, keepdims=True), rgb, np.nan))
        self.noise = noise

    def of_keypoints(self, values: NDArray[Any], pixel: float) -> Array:
        return _centred(np.asarray(values, np.float64).reshape(-1, 3))


def _centred(rgb: NDArray[np.float64]) -> Array:
    """(K, 3) in units of the noise."""
    centred: Array = (lab_about_median(rgb) / NOISE).astype(np.float32)
    return centred
