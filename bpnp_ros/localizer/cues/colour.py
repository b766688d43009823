"""Colour, in CIELAB and about the median of frame and of map: exposure and white balance move all
colours of an image together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.localizer.cues.cue import Array
from bpnp_ros.map_model.map_model import MapModel

NOISE = np.array([15.0, 6.0, 7.0])
"""Standard deviation of L, a and b of one point from photograph to photograph."""
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = np.array([0.9505, 1.0, 1.089])


class Colour:
    """Gaussian in CIELAB."""

    name = "rgb"

    def of_map(self, values: NDArray[Any], model: MapModel) -> _MapColour:
        return _MapColour(values)


class _MapColour:
    """Black points are those whose colour nobody knows."""

    def __init__(self, values: NDArray[Any]) -> None:
        rgb = np.asarray(values, np.float64).reshape(-1, 3)
        self.points = _centred(np.where((rgb > 0).any(axis=1, keepdims=True), rgb, np.nan))

    def of_keypoints(self, values: NDArray[Any], pixel: float) -> Array:
        rgb = np.asarray(values, np.float64).reshape(-1, 3)
        return _centred(rgb)


def _centred(rgb: NDArray[np.float64]) -> Array:
    """CIELAB of colours (K, 3) of 0 to 255 about their median, in units of the noise."""
    known = np.asarray(np.isfinite(rgb).all(axis=1))
    lab = np.full(rgb.shape, np.nan)
    if known.any():
        lab[known] = lab_from_rgb(rgb[known])
        lab -= np.median(lab[known], axis=0)
    centred: Array = (lab / NOISE).astype(np.float32)
    return centred


def lab_from_rgb(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB (K, 3) of 0 to 255 -> CIELAB (K, 3), D65."""
    unit = np.clip(rgb / 255, 0, 1)
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _XYZ.T / _WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
