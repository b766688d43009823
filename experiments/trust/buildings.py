"""Simulated buildings with their map models, and what cameras in them report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.backends.open3d import RayCaster
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.map_model.exploration import ExplorationConfig, coarse_view_space, explore
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import camera_orientation
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.simulation.boxes import Boxes
from bpnp_ros.simulation.observation import DetectorNoise, observe
from bpnp_ros.simulation.world import World, make_world

Array = NDArray[np.float64]

CAMERA = Camera(np.array([[370.0, 0, 320], [0, 370, 240], [0, 0, 1]]), 640, 480)
TOLD_HEIGHTS = (1.2, 1.8)  # metres above the floor
FEWEST_VISIBLE = 25
SAMPLES = 1500


@dataclass(frozen=True, eq=False)
class Shot:
    """pixels: (M, 2) that a camera at T_map_camera (4, 4) reports."""

    pixels: Array
    T_map_camera: Array


def building(seed: int) -> World:
    """Two rooms and a corridor."""
    return make_world(seed, rooms_per_side=1)


def twin_buildings(seed: int, share_differing: float) -> World:
    """A building, and 40 m away one like it whose landmarks differ in part."""
    rng, one = np.random.default_rng([seed, 7]), building(seed)
    offset = np.array([40.0, 0.0, 0.0])
    differs = rng.random(len(one.landmarks)) < share_differing
    donor = rng.permutation(len(one.landmarks))
    elsewhere = one.landmarks[donor] + 0.3 * rng.normal(size=one.landmarks.shape) * (
        np.abs(one.normals[donor]) < 0.5
    )
    landmarks = np.where(differs[:, None], elsewhere, one.landmarks) + offset
    normals = np.where(differs[:, None], one.normals[donor], one.normals)
    solids = Boxes(
        np.concatenate([one.solids.lower, one.solids.lower + offset]),
        np.concatenate([one.solids.upper, one.solids.upper + offset]),
    )
    return World(
        one.plan,
        solids,
        np.concatenate([one.landmarks, landmarks]),
        np.concatenate([one.normals, normals]),
    )


def model_of(world: World) -> MapModel:
    """Of a camera 1.2 to 1.8 m above the floor; what it sees is found by ray casting."""
    point_map = PointMap.recentred(world.landmarks)
    caster, origin = RayCaster(*world.solids.mesh()), point_map.origin
    config = ExplorationConfig(*TOLD_HEIGHTS, tilt=0.15)

    def seen_from(positions: NDArray[np.float32]) -> NDArray[np.bool_]:
        return caster.visible(positions + origin, point_map.points + origin)

    return MapModel(
        point_map,
        coarse_view_space(point_map, explore(point_map, seen_from, SAMPLES, config), config),
    )


def shots(
    world: World,
    model: MapModel,
    count: int,
    seed: int,
    noise: DetectorNoise | None = None,
    heights: tuple[float, float] | None = None,
    camera: Camera = CAMERA,
) -> Iterator[Shot]:
    """From random free places with enough landmarks, any yaw, a little tilt.

    world: as the camera finds it. camera: the one that takes the pictures.
    """
    rng, found = np.random.default_rng(seed), 0
    while found < count:
        yaw_pitch_roll = torch.from_numpy(rng.uniform([-np.pi, -0.1, -0.05], [np.pi, 0.1, 0.05]))
        pose, anchors = np.eye(4), model.places.anchors
        pose[:3, :3] = camera_orientation(yaw_pitch_roll[None])[0].numpy()
        pose[:3, 3] = anchors[rng.integers(len(anchors))].numpy() + model.point_map.origin
        if heights is not None:
            pose[2, 3] = rng.uniform(*heights)
        seen = observe(world, pose, camera, noise or DetectorNoise(), rng)
        if (seen.landmark >= 0).sum() >= FEWEST_VISIBLE:
            found += 1
            yield Shot(seen.pixels.astype(float), pose)


def with_a_third_moved(world: World) -> World:
    """The landmarks of a third of the building stand 1 m further along y."""
    x = world.landmarks[:, 0]
    moved = world.landmarks + np.where(x < np.quantile(x, 1 / 3), 1.0, 0.0)[:, None] * [0, 1, 0]
    return replace(world, landmarks=moved)
