"""Lights: small spots brighter than what is around them, whatever the exposure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends import opencv

Grey = NDArray[np.uint8]

LARGEST = 0.01  # share of the image; larger ones are windows
BLOCK = 64  # pixels; the background is the median of such blocks
PEAK, RIM = 6.0, 3.0  # standard deviations of the noise: of a light's brightest pixel, and of all
LEAST_NOISE = 1.0  # grey values; rounding and compression leave as much


def detect_lights(image: Grey, limit: int, threshold: float = 0.0) -> dict[str, NDArray]:
    """The `limit` lights of the greatest flux in a grey image (H, W): columns (M,) float32.

    u, v: pixels, centre weighted by brightness above the background. response: flux, grey values.
    size: pixels, diameter of the disc with the area that is brighter than half the peak. angle:
    radians, of the long axis. intensity: peak, grey values. threshold: grey value; 0: the peak lies
    six standard deviations of the image's noise above its background, and what hangs together with
    it, three. Spots of a single pixel are hot pixels and left out, as are those larger than a
    hundredth of the image.
    """
    above = image.astype(np.float32) - _background(image)
    if threshold > 0:
        spots = opencv.connected_components(image >= threshold)
    else:
        noise = _noise(above)
        spots = opencv.connected_components(above > RIM * noise)
        peaks = np.unique(spots[above > PEAK * noise])
        spots = opencv.connected_components(np.isin(spots, peaks))
    v, u = np.nonzero(spots)
    return _measured(u, v, spots[v, u] - 1, np.maximum(above[v, u], 1), image, limit)


def _measured(
    u: NDArray, v: NDArray, spot: NDArray, weight: NDArray, image: Grey, limit: int
) -> dict[str, NDArray]:
    count = int(spot.max(initial=-1)) + 1

    def total(values: NDArray) -> NDArray:
        return np.bincount(spot, values, count)

    area, flux, peak, grey = total(np.ones(len(u))), total(weight), np.zeros(count), np.zeros(count)
    np.maximum.at(peak, spot, weight)
    np.maximum.at(grey, spot, image[v, u])
    good = np.flatnonzero((area >= 2) & (area <= max(LARGEST * image.size, 4)))
    best = good[np.argsort(-flux[good], kind="stable")][:limit]
    mean_u, mean_v = total(weight * u) / flux, total(weight * v) / flux
    du, dv = u - mean_u[spot], v - mean_v[spot]
    half = total((weight >= peak[spot] / 2).astype(float))
    angle = 0.5 * np.arctan2(2 * total(weight * du * dv), total(weight * (du**2 - dv**2)))
    columns = {
        **{"u": mean_u, "v": mean_v, "response": flux},
        **{"size": 2 * np.sqrt(half / np.pi), "angle": angle, "intensity": grey},
    }
    return {name: column[best].astype(np.float32) for name, column in columns.items()}


def _noise(above: NDArray[np.float32]) -> float:
    """Standard deviation without the lights: clipped at three of its own, again and again."""
    size = np.abs(above)
    noise = max(1.4826 * float(np.median(size)), 2 * LEAST_NOISE)
    for _ in range(3):
        noise = max(float(np.sqrt(np.mean(size[size <= 3 * noise] ** 2))), LEAST_NOISE)
    return noise


def _background(image: Grey) -> NDArray[np.float32]:
    """(H, W): medians of blocks and their neighbours, interpolated, continued at the edges."""
    height, width = image.shape
    rows, columns = max(round(height / BLOCK), 1), max(round(width / BLOCK), 1)
    blocks = np.array(
        [
            [np.median(block) for block in np.array_split(row, columns, axis=1)]
            for row in np.array_split(image, rows, axis=0)
        ],
        np.float32,
    )
    around = np.lib.stride_tricks.sliding_window_view(_continued(blocks), (3, 3))
    smooth = _continued(np.median(around, axis=(2, 3)).astype(np.float32))
    top, left = round(height / rows), round(width / columns)
    return opencv.enlarge(smooth, width + 2 * left, height + 2 * top)[top:-top, left:-left]


def _continued(blocks: NDArray[np.float32]) -> NDArray[np.float32]:
    """One more all round, on a slope that goes on."""
    return np.pad(blocks, 1, mode="reflect", reflect_type="odd")
