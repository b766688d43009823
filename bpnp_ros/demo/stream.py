"""Everything that the demo shows the node, made before the first message leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bpnp_ros.backends.opencv import encode_jpeg
from bpnp_ros.demo.score import NETWORK
from bpnp_ros.demo.worlds import BUILDING, DemoWorld
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.simulation.camera_path import CameraPath
from bpnp_ros.simulation.lamp_images import lamp_image
from bpnp_ros.simulation.observation import Observation, observe
from bpnp_ros.simulation.world import World

WORLD_SEED = 0
NOISE, CAMERA = BUILDING.noise, BUILDING.camera


class Control(str, Enum):
    """Inputs from which no honest localiser can find a pose."""

    RANDOM_WEIGHTS = "random-weights"
    MIRRORED_MAP = "mirrored-map"
    PURE_CLUTTER = "pure-clutter"


@dataclass(frozen=True, eq=False)
class DemoStream:
    """map_points: (N, 3) metres, as the node gets them. keypoints: F arrays (M, 3) of u, v, score.
    images: F JPEG files that show them, where the node is to look for keypoints itself.
    proposer: that has to find a lost camera, empty for any.

    `world` and `path` are the truth, which stays on this side.
    """

    world: World
    path: CameraPath
    map_points: NDArray[np.float64]
    keypoints: list[NDArray[np.float32]]
    camera: Camera = CAMERA
    images: list[bytes] = field(default_factory=list)
    proposer: str = NETWORK

    def __len__(self) -> int:
        return len(self.keypoints)


def make_stream(
    path_seed: int,
    duration: float,
    rate: float,
    kidnaps: int,
    control: Control | None = None,
    demo: DemoWorld = BUILDING,
    world_seed: int = WORLD_SEED,
) -> DemoStream:
    """A world seen from the path of `path_seed`; the same arguments, the same stream."""
    world = demo.make(world_seed)
    path = demo.make_path(world.plan, path_seed, duration, rate, kidnaps)
    rng = np.random.default_rng([path_seed, 2])
    keypoints, images = [], []
    for T in path.T_map_camera:
        seen = _seen(world, T, demo, rng, control)
        score = rng.random((len(seen.pixels), 1), dtype=np.float32)  # says nothing, as the order
        keypoints.append(np.hstack([seen.pixels, score]))
        if demo.sends_images:
            images.append(encode_jpeg(lamp_image(world, T, demo.camera, seen, rng)))
    points = world.landmarks
    if control is Control.MIRRORED_MAP:
        points = points * [-1.0, 1.0, 1.0] + [points[:, 0].min() + points[:, 0].max(), 0, 0]
    map_points = rng.permutation(points)
    return DemoStream(world, path, map_points, keypoints, demo.camera, images, demo.proposer)


def _seen(
    world: World,
    T_map_camera: NDArray[np.float64],
    demo: DemoWorld,
    rng: Generator,
    control: Control | None,
) -> Observation:
    seen = observe(world, T_map_camera, demo.camera, demo.noise, rng)
    if control is not Control.PURE_CLUTTER:
        return seen
    size, camera = seen.pixels.shape, demo.camera
    pixels = rng.uniform(0, (camera.width, camera.height), size).astype(np.float32)
    return Observation(pixels, np.full(len(pixels), -1))
