"""Simulated buildings, and localisers with their maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.backends.open3d import RayCaster
from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.map_model.exploration import ExplorationConfig, coarse_view_space, explore
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import camera_orientation
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.simulation.boxes import Boxes
from bpnp_ros.simulation.world import World, make_world
from experiments.trust.worlds.case import Array

CAMERA = Camera(np.array([[370.0, 0, 320], [0, 370, 240], [0, 0, 1]]), 640, 480)
CONFIG = LocalizerConfig(bank_views=8000)
TOLD_HEIGHTS = (1.2, 1.8)  # metres above the floor
SAMPLES = 1500
PERIOD, PERIODS = 0.45, 56  # of the corridor, metres
MOST_KEPT = 4  # localisers
MOVED = np.array([0.0, 1.0, 0.0])  # metres by which a third of the map is elsewhere


@lru_cache(MOST_KEPT)
def building(seed: int) -> World:
    """Two rooms and a corridor."""
    return make_world(seed, rooms_per_side=1)


@lru_cache(MOST_KEPT)
def twin_buildings(seed: int) -> World:
    """A building, and 40 m away one like it of whose landmarks 10 to 30 % are elsewhere."""
    rng, one = np.random.default_rng([seed, 7]), building(seed)
    offset = np.array([40.0, 0.0, 0.0])
    differs = rng.random(len(one.landmarks)) < 0.1 + 0.1 * (seed % 3)
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


@lru_cache(MOST_KEPT)
def corridor(seed: int) -> World:
    """25 m of a corridor, 2.4 m wide, whose two walls repeat every 0.45 m."""
    rng = np.random.default_rng([seed, 8])
    x, z = rng.uniform(0, PERIOD, 12), rng.uniform(0.2, 2.6, 12)
    y = np.repeat([0.0, 2.4], 6)
    once = np.column_stack([x, y, z])
    shift = PERIOD * np.arange(PERIODS)[:, None, None] * [1, 0, 0]
    normals = np.column_stack([0 * x, np.where(y > 1, -1.0, 1.0), 0 * x])
    length = PERIOD * PERIODS
    lower = np.array([[0.0, -0.1, 0], [0.0, 2.4, 0], [0, -0.1, -0.1]])
    upper = np.array([[length, 0.0, 2.8], [length, 2.5, 2.8], [length, 2.5, 0]])
    landmarks = (once + shift).reshape(-1, 3)
    return World(
        building(seed).plan, Boxes(lower, upper), landmarks, np.tile(normals, (PERIODS, 1))
    )


@lru_cache(MOST_KEPT)
def with_a_third_moved(seed: int) -> World:
    """The landmarks of a third of the building stand elsewhere."""
    world = building(seed)
    x = world.landmarks[:, 0]
    moved = world.landmarks + (x < np.quantile(x, 1 / 3))[:, None] * MOVED
    return replace(world, landmarks=moved)


@lru_cache(MOST_KEPT)
def in_a_mirror(seed: int) -> Localizer:
    """With the bare landmarks of six rooms, the way a mirror shows them."""
    landmarks = make_world(seed).landmarks
    return Localizer.from_map(landmarks * [-1.0, 1.0, 1.0], config=CONFIG)


@lru_cache(MOST_KEPT)
def bare(seed: int) -> Localizer:
    """With the bare landmarks of six rooms."""
    return Localizer.from_map(make_world(seed).landmarks, config=CONFIG)


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


@lru_cache(MOST_KEPT)
def localizer_of(world: Callable[[int], World], seed: int) -> Localizer:
    """With the map of one seed's world."""
    return Localizer(model_of(world(seed)), None, CONFIG)


def poses(
    model: MapModel, rng: np.random.Generator, heights: tuple[float, float] | None = None
) -> Iterator[Array]:
    """T_map_camera (4, 4) in random free places, any yaw, a little tilt."""
    anchors = model.places.anchors
    while True:
        yaw_pitch_roll = torch.from_numpy(rng.uniform([-np.pi, -0.1, -0.05], [np.pi, 0.1, 0.05]))
        pose = np.eye(4)
        pose[:3, :3] = camera_orientation(yaw_pitch_roll[None])[0].numpy()
        pose[:3, 3] = anchors[rng.integers(len(anchors))].numpy() + model.point_map.origin
        if heights is not None:
            pose[2, 3] = rng.uniform(*heights)
        yield pose
