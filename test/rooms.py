"""A small simulated world, its map model and fresh views of it, shared by several tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from bpnp_ros.backends.open3d import RayCaster
from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.keypoints.keypoints import Keypoints, keypoints_from_pixels
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.map_model.exploration import ExplorationConfig, coarse_view_space, explore
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import camera_orientation
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.simulation.boxes import Array
from bpnp_ros.simulation.observation import DetectorNoise, Observation, observe
from bpnp_ros.simulation.world import World, make_world

CAMERA = Camera(np.array([[370.0, 0, 320], [0, 370, 240], [0, 0, 1]]), 640, 480)
CONFIG = LocalizerConfig(bank_views=8_000)


@dataclass(frozen=True, eq=False)
class View:
    """What a camera at T_map_camera (4, 4) reports, and which landmark each keypoint is."""

    T_map_camera: Array
    keypoints: Keypoints
    landmark: np.ndarray

    @property
    def frame(self) -> Frame:
        return Frame.of(self.keypoints, CONFIG.keypoint_sigma, CONFIG.clutter, torch.device("cpu"))

    @property
    def recentred(self) -> torch.Tensor:
        """T_map_camera (1, 4, 4) in the recentred map."""
        pose = self.T_map_camera.copy()
        pose[:3, 3] -= rooms().point_map.origin
        return torch.from_numpy(pose).float()[None]


@cache
def world() -> World:
    """Two rooms and a corridor."""
    return make_world(seed=3, rooms_per_side=1)


@cache
def rooms() -> MapModel:
    """The model of `world`, its visibility found by ray casting."""
    point_map = PointMap.recentred(world().landmarks)
    caster = RayCaster(*world().solids.mesh())
    config = ExplorationConfig(tilt=0.15)

    def seen_from(positions: np.ndarray) -> np.ndarray:
        origin = point_map.origin
        return caster.visible(positions + origin, point_map.points + origin)

    samples = explore(point_map, seen_from, 1500, config)
    return MapModel(point_map, coarse_view_space(point_map, samples, config))


def fresh_views(count: int, seed: int, noise: DetectorNoise | None = None) -> list[View]:
    """Views from random free places with at least 25 true keypoints, any yaw, a little tilt."""
    rng = np.random.default_rng(seed)
    views: list[View] = []
    while len(views) < count:
        yaw_pitch_roll = rng.uniform([-np.pi, -0.1, -0.05], [np.pi, 0.1, 0.05])
        pose = np.eye(4)
        pose[:3, :3] = camera_orientation(torch.from_numpy(yaw_pitch_roll)[None])[0].numpy()
        anchor = rooms().places.anchors[rng.integers(len(rooms().places.anchors))]
        pose[:3, 3] = anchor.numpy() + rooms().point_map.origin
        seen = observe(world(), pose, CAMERA, noise or DetectorNoise(), rng)
        if (seen.landmark >= 0).sum() >= 25:
            views.append(_view(pose, seen))
    return views


def look(pose: Array, rng: np.random.Generator, noise: DetectorNoise | None = None) -> View:
    """What the detector reports from a pose (4, 4)."""
    return _view(pose, observe(world(), pose, CAMERA, noise or DetectorNoise(), rng))


def _view(pose: Array, seen: Observation) -> View:
    keypoints = keypoints_from_pixels(seen.pixels, CAMERA)
    return View(pose, keypoints, seen.landmark[keypoints.index])


def pose_error(found: Array, true: Array) -> tuple[float, float]:
    """Metres and degrees between two poses (4, 4)."""
    cosine = (np.trace(found[:3, :3].T @ true[:3, :3]) - 1) / 2
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return float(np.linalg.norm(found[:3, 3] - true[:3, 3])), float(angle)
