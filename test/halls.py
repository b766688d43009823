"""A hall full of landmarks whose every answer takes milliseconds: the gate's and tracker's own."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch
from landmarks import CAMERA, Array, held, report

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.keypoints.keypoints import keypoints_from_pixels
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.local_optimisation import polish
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.gate import Gate, verify
from bpnp_ros.localizer.types import Fix, Rejection
from bpnp_ros.map_model.from_points import model_from_points
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace, pack_seen
from bpnp_ros.point_map.point_map import PointMap

CONFIG = LocalizerConfig(camera_height_min=1.0, camera_height_max=1.5)
SIZE = (20.0, 12.0, 4.0)
CPU = torch.device("cpu")


@cache
def landmarks() -> Array:
    """(300, 3) all over the hall, metres."""
    return np.random.default_rng(0).uniform((0, 0, 0), SIZE, (300, 3))


@cache
def open_hall() -> MapModel:
    """As a map of few landmarks, which hide nothing."""
    return model_from_points(landmarks(), CONFIG, CPU)


@cache
def closed_hall() -> MapModel:
    return closed(landmarks())


def closed(points: Array) -> MapModel:
    """Points (N, 3) in the hall as a map with places, all of which happen to see everything."""
    point_map = PointMap.recentred(points)
    x, y = np.meshgrid(np.arange(1.0, 20, 2), np.arange(1.0, 12, 2))
    places = np.stack([x.ravel(), y.ravel(), np.full(x.size, 1.25)], axis=1) - point_map.origin
    seen, chance = pack_seen(torch.ones(len(places), len(point_map)))
    reach = torch.tensor([1.0, 1.0, 0.2])
    anchors = torch.from_numpy(places).float()
    return MapModel(point_map, ViewSpace(anchors, seen, chance, reach, CONFIG.camera_tilt))


def standing(x: float, y: float, yaw: float, z: float = 1.25) -> Array:
    """T_map_camera (4, 4) of a level camera."""
    return held("forward", yaw, np.array([x, y, z]), np.zeros(2))


def frame_of(pixels: Array, config: LocalizerConfig = CONFIG) -> Frame:
    keypoints = keypoints_from_pixels(pixels, CAMERA)
    return Frame.of(keypoints, config.keypoint_sigma, config.clutter, CPU)


def frame_at(
    T_map_camera: Array, rng: np.random.Generator, missed: float = 0.0, clutter: float = 0.0
) -> Frame:
    return frame_of(report(landmarks(), T_map_camera, rng, missed, clutter))


def recentred(model: MapModel, T_map_camera: Array) -> torch.Tensor:
    """(1, 4, 4) float32 in the recentred map."""
    pose = T_map_camera.copy()
    pose[:3, 3] -= model.point_map.origin
    return torch.from_numpy(pose).float()[None]


def judged(
    model: MapModel, poses: list[Array], frame: Frame, config: LocalizerConfig = CONFIG
) -> Fix | Rejection:
    """What the gate of a search says when these poses (4, 4) are all that was found."""
    found = Candidates.of(torch.cat([recentred(model, pose) for pose in poses]), "test")
    gate = Gate.of_search(model, config)
    return verify(model, polish(model, found, frame), frame, gate, config)


def noiseless_floor(config: LocalizerConfig = CONFIG) -> LocalizerConfig:
    """Nothing is added to the covariance."""
    return replace(config, sigma_position_floor=0.0, sigma_angle_floor=0.0)
