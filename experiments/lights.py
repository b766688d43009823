"""Lamps in images, from faint to far too bright: how many the detector `lights` finds, and where.

Each image shows 24 lamps of one brightness, 4 to 24 pixels across, sharp or out of focus, with the
glare that a lens adds. Asked for are those that an onlooker would call lamps of their own: inside
the image, brighter than the noise, and with a darker gap to the lamps beside them.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.configuration.parameters import DetectorConfig
from bpnp_ros.keypoints.detector import detect_keypoints
from bpnp_ros.keypoints.image import Image, decode_image

Array = NDArray[np.float64]

WIDTH, HEIGHT, LAMPS = 640, 480, 24
RADIUS = (2.0, 12.0)  # pixels
BACKGROUND, NOISE = 0.1, 0.008  # of what the sensor takes
GLARE, GLARE_WIDTH = 0.003, 12.0  # of a lamp's brightness beside it, pixels over which it fades
GAP = 0.25  # by how much of what the sensor takes it is darker between lamps that are two
WITHIN = 3.0  # pixels: found
EXPOSURES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
BLURS = (0.7, 3.0)
ENCODINGS = {"mono8": ("<u1", 255.0), "mono16": ("<u2", 65_535.0), "32FC1": ("<f4", 1.0)}


@dataclass(frozen=True)
class Shown:
    """image: (H, W), 1 is what the sensor takes. centres: (L, 2). asked: (L,), see above."""

    image: Array
    centres: Array
    asked: NDArray[np.bool_]


def shown(exposure: float, blur: float, seed: int) -> Shown:
    """exposure: of a lamp, relative to what the sensor takes. blur: pixels over which it fades."""
    rng = np.random.default_rng(seed)
    row, column = np.indices((HEIGHT, WIDTH))
    centres = rng.uniform((0, 0), (WIDTH, HEIGHT), (LAMPS, 2))
    radii = rng.uniform(*RADIUS, LAMPS)
    light = np.full((HEIGHT, WIDTH), BACKGROUND)
    for (u, v), radius in zip(centres, radii, strict=True):
        outside = np.hypot(column - u, row - v) - radius
        light += exposure / (1 + np.exp(np.minimum(outside / blur, 50)))
        light += exposure * GLARE * np.exp(-np.maximum(outside, 0) / GLARE_WIDTH)
    clean = light.clip(0, 1)
    noisy = (light + rng.normal(0, NOISE, light.shape)).clip(0, 1)
    return Shown(noisy, centres, _asked(clean, centres))


def _asked(clean: Array, centres: Array) -> NDArray[np.bool_]:
    """Whose bright part, half way to the background, holds no other centre and touches no edge,
    and which stand out from what lies between them and every other."""
    from bpnp_ros.backends import opencv

    column, row = centres.astype(int).T
    peak = clean[row, column]
    asked = peak > BACKGROUND + 6 * NOISE
    for k in range(len(centres)):
        edge = peak[k] - min(GAP, 0.5 * (peak[k] - BACKGROUND))
        parts = opencv.connected_components(clean > edge)
        own = parts[row[k], column[k]]
        cut = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
        asked[k] &= own > 0 and own not in cut and (parts[row, column] == own).sum() == 1
    return asked


def read(image: Array, encoding: str) -> Image:
    """As the driver of a camera sends it."""
    dtype, most = ENCODINGS[encoding]
    values = image * most
    pixels = (values if encoding == "32FC1" else values.round()).astype(dtype)
    return decode_image(pixels.tobytes(), WIDTH, HEIGHT, pixels.strides[0], encoding)


def row_of(exposure: float, blur: float, encoding: str, seeds: range) -> str:
    """A line of the table."""
    asked = found = false = 0
    errors = list[float]()
    for seed in seeds:
        frame = shown(exposure, blur, seed)
        pixels = detect_keypoints(read(frame.image, encoding), DetectorConfig("lights")).pixels
        apart = np.linalg.norm(pixels[None] - frame.centres[:, None], axis=2)
        nearest = apart.min(axis=1, initial=np.inf)[frame.asked]
        asked, found = asked + len(nearest), found + int((nearest < WITHIN).sum())
        false += int((apart.min(axis=0) >= WITHIN).sum())
        errors += nearest[nearest < WITHIN].tolist()
    median, most = np.percentile(errors, (50, 95)) if errors else (np.nan, np.nan)
    share = f"{found} of {asked}"
    return (
        f"| {exposure:g} | {blur:g} | {encoding} | {share} | {false} | {median:.2f} / {most:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.lights", description=__doc__)
    parser.add_argument("--images", type=int, default=10, help="of each kind (10)")
    parser.add_argument("--seed", type=int, default=1, help="of the first of them (1)")
    parser.add_argument("--encodings", nargs="*", default=list(ENCODINGS))
    options = parser.parse_args()
    print("| exposure | blur, px | encoding | found | others | error, px: median / 95 % |")
    print("|---|---|---|---|---|---|")
    for encoding in options.encodings:
        for blur in BLURS:
            for exposure in EXPOSURES:
                seeds = range(options.seed, options.seed + options.images)
                print(row_of(exposure, blur, encoding, seeds), flush=True)


if __name__ == "__main__":
    main()
