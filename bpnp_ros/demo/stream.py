"""Everything that the demo shows the node, made before the first message leaves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bpnp_ros.geometry.camera import Camera
from bpnp_ros.simulation.camera_path import CameraPath, make_camera_path
from bpnp_ros.simulation.observation import DetectorNoise, observe
from bpnp_ros.simulation.world import World, make_world

WORLD_SEED = 0
NOISE = DetectorNoise(pixel_noise=1.0, missed=0.3, clutter=0.3)
CAMERA = Camera(np.array([[370.0, 0, 320], [0, 370, 240], [0, 0, 1]]), width=640, height=480)


class Control(str, Enum):
    """Inputs from which no honest localiser can find a pose."""

    RANDOM_WEIGHTS = "random-weights"
    MIRRORED_MAP = "mirrored-map"
    PURE_CLUTTER = "pure-clutter"


@dataclass(frozen=True, eq=False)
class DemoStream:
    """map_points: (N, 3) metres, as the node gets them. keypoints: F arrays (M, 3) of u, v, score.

    `world` and `path` are the truth, which stays on this side.
    """

    world: World
    path: CameraPath
    map_points: NDArray[np.float64]
    keypoints: list[NDArray[np.float32]]

    def __len__(self) -> int:
        return len(self.keypoints)


def make_stream(
    path_seed: int, duration: float, rate: float, kidnaps: int, control: Control | None = None
) -> DemoStream:
    """The demo's world seen from the path of `path_seed`; the same arguments, the same stream."""
    world = make_world(WORLD_SEED)
    path = make_camera_path(world.plan, path_seed, duration, rate, kidnaps)
    rng = np.random.default_rng([path_seed, 2])
    keypoints = [_detect(world, T, rng, control) for T in path.T_map_camera]
    points = world.landmarks
    if control is Control.MIRRORED_MAP:
        points = points * [-1.0, 1.0, 1.0] + [points[:, 0].min() + points[:, 0].max(), 0, 0]
    return DemoStream(world, path, rng.permutation(points), keypoints)


def _detect(
    world: World, T_map_camera: NDArray[np.float64], rng: Generator, control: Control | None
) -> NDArray[np.float32]:
    """Keypoints (M, 3): u, v and a score that says nothing, in an order that says nothing."""
    pixels = observe(world, T_map_camera, CAMERA, NOISE, rng).pixels
    if control is Control.PURE_CLUTTER:
        pixels = rng.uniform(0, (CAMERA.width, CAMERA.height), pixels.shape).astype(np.float32)
    score = rng.random((len(pixels), 1), dtype=np.float32)
    return np.hstack([pixels, score])
