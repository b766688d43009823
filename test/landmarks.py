"""Maps of few landmarks that all look alike, and what a camera in them reports."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.geometry.camera import Camera
from bpnp_ros.map_model.motion import LEVEL, Motion, mounting
from bpnp_ros.map_model.view_space import camera_orientation

Array = NDArray[np.float64]

CAMERA = Camera(np.array([[400.0, 0, 320], [0, 400, 240], [0, 0, 1]]), 640, 480)


def ceiling_lamps(rng: np.random.Generator, count: int = 80) -> Array:
    """Lamps (count, 3) at three heights over 20 x 12 m."""
    x, y = rng.uniform(0, 20, count), rng.uniform(0, 12, count)
    return np.stack([x, y, rng.choice([3.0, 3.2, 4.0], count)], axis=1)


def reflectors(rng: np.random.Generator, count: int = 150) -> Array:
    """Reflectors (count, 3) on the walls of a hall of 40 x 25 m."""
    along = rng.uniform(0, 130, count)
    x = np.interp(along, [0, 40, 65, 105, 130], [0, 40, 40, 0, 0])
    y = np.interp(along, [0, 40, 65, 105, 130], [0, 0, 25, 25, 0])
    return np.stack([x, y, rng.uniform(0.5, 3.5, count)], axis=1)


def held(look: str, yaw: float, position: Array, tilt: Array) -> Array:
    """T_map_camera (4, 4) of a camera mounted so, turned by yaw about z, tilted by pitch, roll."""
    motion = Motion(LEVEL, np.array([0.0, 0.0, 1.0]), mounting(look), 0.1)
    turn = torch.tensor([[yaw, *tilt]], dtype=torch.float64)
    T = np.eye(4)
    T[:3, :3] = camera_orientation(turn, motion)[0].numpy()
    T[:3, 3] = position
    return T


def report(
    landmarks: Array,
    T_map_camera: Array,
    rng: np.random.Generator,
    missed: float = 0.1,
    clutter: float = 0.2,
) -> Array:
    """Pixels (M, 2) with one pixel of noise, in no particular order."""
    in_camera = (landmarks - T_map_camera[:3, 3]) @ T_map_camera[:3, :3]
    ahead = in_camera[in_camera[:, 2] > 0.05]
    pixels = (ahead / ahead[:, 2:]) @ CAMERA.K[:2].T
    pixels = pixels[CAMERA.image_contains(pixels) & (rng.random(len(pixels)) >= missed)]
    pixels = pixels + rng.normal(size=pixels.shape)
    noise = rng.uniform(0, (640, 480), (round(len(pixels) * clutter / (1 - clutter)), 2))
    return rng.permutation(np.concatenate([pixels, noise]))
