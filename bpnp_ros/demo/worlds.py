"""The worlds of the demo: what is in them, how a camera gets about, and what the node is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from bpnp_ros.demo.score import NETWORK
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.live.node_process import Parameters
from bpnp_ros.simulation.camera_path import CameraPath, make_camera_path
from bpnp_ros.simulation.hall import make_hall
from bpnp_ros.simulation.observation import DetectorNoise
from bpnp_ros.simulation.robot_path import make_robot_path
from bpnp_ros.simulation.world import World, make_world

MakePath = Callable[..., CameraPath]
"""From a floor plan, a seed, seconds, Hz and how many kidnaps."""


@dataclass(frozen=True, eq=False)
class DemoWorld:
    """make: the world of a seed. sends_images: a keypoint detector looks for lights in them;
    otherwise keypoints are sent. proposer: that has to find a lost camera. told: parameters of the
    node that its user knows."""

    name: str
    make: Callable[[int], World]
    make_path: MakePath
    camera: Camera
    noise: DetectorNoise
    proposer: str
    sends_images: bool = False
    told: Parameters = field(default_factory=dict)


def _camera(focal: float) -> Camera:
    return Camera(np.array([[focal, 0, 320], [0, focal, 240], [0, 0, 1]]), width=640, height=480)


BUILDING = DemoWorld(
    "building",
    make_world,
    make_camera_path,
    _camera(370.0),
    DetectorNoise(pixel_noise=1.0, missed=0.3, clutter=0.3),
    NETWORK,
)
LAMPS = DemoWorld(
    "lamps",
    make_hall,
    make_robot_path,
    _camera(300.0),
    DetectorNoise(pixel_noise=0.5, missed=0.1, clutter=0.2),
    "minimal_sets",
    sends_images=True,
    told={
        "motion": "floor",
        "camera_mounting": "up",
        "camera_height_min": 0.35,
        "camera_height_max": 0.45,
    },
)
WORLDS = {world.name: world for world in (BUILDING, LAMPS)}
