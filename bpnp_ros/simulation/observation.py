"""What a keypoint detector reports of a simulated world: noise, misses, clutter, no identity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bpnp_ros.geometry.camera import Camera
from bpnp_ros.simulation.boxes import Array
from bpnp_ros.simulation.world import World


@dataclass(frozen=True)
class DetectorNoise:
    """pixel_noise: standard deviation, px. missed: share of visible landmarks not reported.

    clutter: share of all reported keypoints that belong to no landmark.
    """

    pixel_noise: float = 1.0
    missed: float = 0.3
    clutter: float = 0.3


@dataclass(frozen=True, eq=False)
class Observation:
    """One frame. pixels: (M, 2) float32, in no particular order.

    landmark: (M,) index of the landmark or -1 for clutter; for tests and training only.
    """

    pixels: NDArray[np.float32]
    landmark: NDArray[np.int64]


def observe(
    world: World, T_map_camera: Array, camera: Camera, noise: DetectorNoise, rng: Generator
) -> Observation:
    """Keypoints of `world` in an undistorted `camera` at T_map_camera (4, 4)."""
    pixels, landmark = _project_visible(world, T_map_camera, camera)
    detected = rng.random(len(pixels)) >= noise.missed
    pixels, landmark = pixels[detected], landmark[detected]
    pixels = pixels + rng.normal(scale=noise.pixel_noise, size=pixels.shape)
    size = np.array([camera.width, camera.height])
    count = round(len(pixels) * noise.clutter / (1 - noise.clutter))
    pixels = np.concatenate([pixels, rng.uniform(0, size, size=(count, 2))])
    landmark = np.concatenate([landmark, np.full(count, -1)])
    inside = ((pixels >= 0) & (pixels < size)).all(axis=1)
    order = rng.permutation(np.flatnonzero(inside))
    return Observation(pixels[order].astype(np.float32), landmark[order])


def _project_visible(
    world: World, T_map_camera: Array, camera: Camera
) -> tuple[Array, NDArray[np.int64]]:
    position = T_map_camera[:3, 3]
    points = (world.landmarks - position) @ T_map_camera[:3, :3]
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = (points / points[:, 2:]) @ camera.K[:2].T
    size = np.array([camera.width, camera.height])
    in_view = (points[:, 2] > 0.05) & ((pixels >= 0) & (pixels < size)).all(axis=1)
    seen = np.flatnonzero(in_view)
    seen = seen[world.visible(position, seen)]
    return pixels[seen], seen
