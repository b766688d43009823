"""Lights: small spots brighter than what is around them, whatever the exposure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends import opencv
from bpnp_ros.keypoints.spots import separate_spots

Values = NDArray[np.uint8] | NDArray[np.float32]

LARGEST = 0.01  # share of the image; larger ones are windows
BLOCK = 64  # pixels; the background is the median of such blocks
PEAK, RIM = 6.0, 3.0  # standard deviations of the noise: of a light's brightest pixel, and of all
LEAST_NOISE = 1.0  # grey values, where they are whole numbers
LARGEST_SHARE = 2.0  # of pixels that are real numbers, from 0 to 1 as a rule
STEPS = 65_535  # of real numbers, between the darkest and the brightest pixel
GLARE, HALO = 0.08, 12  # share of a light's brightness, and pixels around it, that are its own


def detect_lights(
    image: Values, limit: int, bright: NDArray[np.bool_] | None = None
) -> dict[str, NDArray]:
    """The `limit` lights of the greatest flux in an image (H, W): columns (M,) float32.

    image: grey values of any depth; real ones may have any unit. bright: (H, W), the pixels that
    belong to lights; None: a light's peak lies six standard deviations of the image's noise above
    its background, its foot three, or a tenth of its peak where that is more; lights that
    run together are two where both stand out from what joins them.

    u, v: pixels, centre weighted by brightness above the background. response: flux. size: pixels,
    diameter of the disc with the area that is brighter than half the peak. angle: radians, of the
    long axis. intensity: peak, in values of the image. Left out are spots of a single pixel (hot
    ones), larger than a hundredth of the image, cut by its edge, which have no centre, and in the
    glare of a light that is twelve times as bright.
    """
    above, least = image.astype(np.float32) - _background(image), _least_noise(image)
    if bright is not None:
        spots = opencv.connected_components(bright)
    else:
        noise = _noise(above, least)
        spots = separate_spots(above, RIM * noise, PEAK * noise)
        glare = GLARE * opencv.greatest_around(above, HALO)
        peaks = np.unique(spots[above > np.maximum(PEAK * noise, glare)])
        spots = np.where(np.isin(spots, peaks), spots, 0)
    edges = np.concatenate([spots[0], spots[-1], spots[:, 0], spots[:, -1]])
    v, u = np.nonzero(~np.isin(spots, np.append(edges, 0)))
    spot = np.unique(spots[v, u], return_inverse=True)[1]
    return _measured(u, v, spot, np.maximum(above[v, u], least), image, limit)


def _least_noise(image: Values) -> float:
    """Rounding and compression leave as much."""
    if image.dtype == np.uint8 or float(image.max()) > LARGEST_SHARE:
        return LEAST_NOISE
    return max(float(np.ptp(image)) / STEPS, float(np.finfo(np.float32).tiny))


def _measured(
    u: NDArray, v: NDArray, spot: NDArray, weight: NDArray, image: Values, limit: int
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


def _noise(above: NDArray[np.float32], least: float) -> float:
    """Standard deviation without the lights: clipped at three of its own, again and again."""
    size = np.abs(above)
    noise = max(1.4826 * float(np.median(size)), 2 * least)
    for _ in range(3):
        noise = max(float(np.sqrt(np.mean(size[size <= 3 * noise] ** 2))), least)
    return noise


def _background(image: Values) -> NDArray[np.float32]:
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
