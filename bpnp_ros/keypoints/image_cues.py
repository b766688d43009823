"""What an image says of its keypoints beside their positions: colour, and bright or dark."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends import opencv

Array = NDArray[np.floating]

GREY = 110.0  # that the mean of every channel becomes


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
