"""Colour, in CIELAB and about the median of frame and of map: exposure and white balance move all
colours of an image together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.localizer.cues.cue import Array, Compared

NOISE = np.array([15.0, 6.0, 7.0])
"""Standard deviation of L, a and b of one point from photograph to photograph."""
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = np.array([0.9505, 1.0, 1.089])


class Colour:
    """Gaussian in CIELAB."""

    name = "rgb"

    def compare(self, keypoints: NDArray[Any], points: NDArray[Any]) -> Compared:
        shown, kept = (np.asarray(rgb, np.float64).reshape(-1, 3) for rgb in (keypoints, points))
        known_shown = np.asarray(np.isfinite(shown).all(axis=1))
        known_kept = np.asarray(np.isfinite(kept).all(axis=1) & (kept > 0).any(axis=1))
        a, b = _centred(shown, known_shown), _centred(kept, known_kept)
        squared = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T
        return Compared(-0.5 * np.maximum(squared, 0), known_shown, known_kept)


def _centred(rgb: Array, known: NDArray[np.bool_]) -> Array:
    """CIELAB of colours (K, 3) of 0 to 255 about their median, in units of the noise."""
    lab = lab_from_rgb(np.where(known[:, None], rgb, 0.0))
    middle = np.median(lab[known], axis=0) if known.any() else np.zeros(3)
    centred: Array = (lab - middle) / NOISE
    return centred


def lab_from_rgb(rgb: Array) -> Array:
    """sRGB (K, 3) of 0 to 255 -> CIELAB (K, 3), D65."""
    unit = np.clip(rgb / 255, 0, 1)
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _XYZ.T / _WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
