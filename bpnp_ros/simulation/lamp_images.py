"""What a camera that looks up sees of a hall: bright discs on a ceiling that is not black."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bpnp_ros.geometry.camera import Camera
from bpnp_ros.simulation.boxes import Array
from bpnp_ros.simulation.observation import Observation
from bpnp_ros.simulation.world import World

DIAMETER = 0.16  # metres, of a lamp
EDGE = 0.7  # pixels over which its light fades
CEILING, LAMP, NOISE = (25.0, 45.0), 400.0, 2.0  # grey values; lamps are saturated
SPOT = (2.0, 7.0)  # pixels, radius of a light that is no lamp


def lamp_image(
    world: World, T_map_camera: Array, camera: Camera, seen: Observation, rng: Generator
) -> NDArray[np.uint8]:
    """(H, W): the lamps of an observation and its clutter, as lights."""
    across = np.linspace(*CEILING, camera.width)
    image = across + rng.normal(0, NOISE, (camera.height, camera.width))
    for pixel, radius in zip(
        seen.pixels, _radii(world, T_map_camera, camera, seen, rng), strict=True
    ):
        _add_disc(image, pixel, radius)
    return image.round().clip(0, 255).astype(np.uint8)


def _radii(
    world: World, T_map_camera: Array, camera: Camera, seen: Observation, rng: Generator
) -> Array:
    depth = (world.landmarks[seen.landmark] - T_map_camera[:3, 3]) @ T_map_camera[:3, 2]
    of_lamps = 0.5 * DIAMETER * camera.K[0, 0] / depth.clip(0.5)
    return np.where(seen.landmark >= 0, of_lamps, rng.uniform(*SPOT, len(seen.landmark)))


def _add_disc(image: Array, pixel: NDArray[np.floating], radius: float) -> None:
    """Light is added, and in the middle more of it than the sensor takes."""
    reach = int(radius + 8 * EDGE) + 1
    u, v = pixel.round().astype(int)
    rows = slice(max(v - reach, 0), v + reach + 1)
    columns = slice(max(u - reach, 0), u + reach + 1)
    row, column = np.ogrid[: image.shape[0], : image.shape[1]]
    distance = np.hypot(column[:, columns] - pixel[0], row[rows] - pixel[1])
    image[rows, columns] += LAMP / (1 + np.exp((distance - radius) / EDGE))
