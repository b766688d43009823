"""What an image says of its keypoints beside their positions: colour, and bright or dark."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends import opencv

Array = NDArray[np.floating]

GREY = 110.0  # that the mean of every channel becomes
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = np.array([0.9505, 1.0, 1.089])


def colours(rgb: NDArray[np.uint8], pixels: Array, size: Array) -> Array:
    """(M, 3) of 0 to 255: means over a square as wide as the feature, by the image's own grey
    world: each channel is scaled so that its mean is GREY, which takes out exposure and white
    balance, but not what is saturated."""
    gain = GREY / np.maximum(rgb.reshape(-1, 3).mean(axis=0), 1.0)
    return np.asarray((_means(rgb, pixels, size) * gain).clip(0, 255), np.float32)


def signs(grey: NDArray[np.uint8], pixels: Array, size: Array) -> Array:
    """(M,): +1 where the feature is brighter than what is around it, else -1; the sign of the
    negative Laplacian as a difference of means."""
    inner, outer = _means(grey, pixels, size / 2), _means(grey, pixels, 2 * size)
    return np.where(inner >= outer, 1, -1).astype(np.float32)


def _means(image: NDArray[np.uint8], pixels: Array, size: Array) -> Array:
    """Means (M, ...) over squares about the pixels, of the nearest power of two to `size` wide."""
    height, width = image.shape[:2]
    column = pixels[:, 0].round().astype(int).clip(0, width - 1)
    row = pixels[:, 1].round().astype(int).clip(0, height - 1)
    octave = np.log2(np.nan_to_num(size, nan=4.0).clip(2, 64)).round().astype(int)
    means = np.zeros((len(pixels), *image.shape[2:]), np.float32)
    for level in np.unique(octave):
        here = octave == level
        smooth = opencv.box_means(image, 2 ** int(level) + 1)
        means[here] = smooth[row[here], column[here]]
    return means


def lab_about_median(rgb: NDArray[np.floating]) -> NDArray[np.float64]:
    """CIELAB (K, 3) of colours (K, 3) of 0 to 255 about their median; NaN where one is unknown."""
    known = np.asarray(np.isfinite(rgb).all(axis=1))
    lab = np.full(rgb.shape, np.nan)
    if known.any():
        lab[known] = lab_from_rgb(rgb[known].astype(np.float64))
        lab -= np.median(lab[known], axis=0)
    return lab


def lab_from_rgb(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB (K, 3) of 0 to 255 -> CIELAB (K, 3), D65."""
    unit = np.clip(rgb / 255, 0, 1)
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _XYZ.T / _WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
