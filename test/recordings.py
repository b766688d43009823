"""Recordings of a walk through the simulated rooms, and weights for it, for several tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from rooms import CAMERA, rooms, world

from bpnp_ros.backends.rosbags import Writer, message
from bpnp_ros.bags import messages
from bpnp_ros.simulation.camera_path import make_camera_path
from bpnp_ros.simulation.observation import DetectorNoise, observe
from bpnp_ros.weights.bundle import MapBundle

START = 1_700_000_000_000_000_000
STEP = 100_000_000
FRAME, BASE = "camera", "base"
BASE_CAMERA = np.array([[0.0, 0, 1, 0.2], [-1, 0, 0, 0], [0, -1, 0, 0.3], [0, 0, 0, 1]])
QUIET = DetectorNoise(pixel_noise=0.7, missed=0.2, clutter=0.2)


@dataclass(frozen=True, eq=False)
class Walk:
    """stamps_ns (F,), T_map_camera (F, 4, 4), and the pixels (M, 2) seen from each."""

    stamps_ns: np.ndarray
    T_map_camera: np.ndarray
    pixels: list[np.ndarray]


@cache
def walk(frames: int = 12) -> Walk:
    poses = make_camera_path(world().plan, 1, frames / 10, 10.0, 0).T_map_camera
    rng = np.random.default_rng(4)
    pixels = [observe(world(), T, CAMERA, QUIET, rng).pixels for T in poses]
    return Walk(START + STEP * np.arange(frames), poses, pixels)


def write_weights(path: Path) -> Path:
    """A bundle of the rooms without a network."""
    MapBundle(rooms(), None, {}).save(path)
    return path


def write_recording(
    path: Path,
    storage: str = "mcap",
    compression: str = "none",
    truth: str = "pose",
    with_map: bool = True,
) -> Path:
    """A bag of the walk. truth: pose, odometry (of the base), tf (map -> base), or none."""
    there = walk()
    with Writer(path, storage, compression) as bag:
        bag.add_topic("/camera/camera_info", messages.CAMERA_INFO)
        bag.add_topic("/camera/keypoints", messages.KEYPOINTS)
        if with_map:
            bag.add_topic("/map", messages.MAP, latched=True)
            xyz = dict(zip("xyz", world().landmarks.T, strict=True))
            bag.write("/map", START, messages.cloud(messages.header(START, "map"), xyz))
        _write_truth(bag, there, truth)
        for stamp, pixels in zip(there.stamps_ns.tolist(), there.pixels, strict=True):
            top = messages.header(stamp, FRAME)
            bag.write("/camera/camera_info", stamp, messages.camera_info(top, CAMERA))
            columns = {"u": pixels[:, 0], "v": pixels[:, 1]}
            bag.write("/camera/keypoints", stamp, messages.cloud(top, columns))
    return path


def _write_truth(bag: Writer, there: Walk, kind: str) -> None:
    if kind == "none":
        return
    of_robot = kind in ("tf", "odometry")
    if of_robot:
        bag.add_topic("/tf_static", messages.TF, latched=True)
        top = messages.header(START, BASE)
        bag.write("/tf_static", START, messages.transforms(top, FRAME, BASE_CAMERA))
    topic = "/tf" if kind == "tf" else "/reference"
    make = {"tf": _edge, "odometry": _odometry, "pose": messages.pose_stamped}[kind]
    body = np.linalg.inv(BASE_CAMERA) if of_robot else np.eye(4)
    for number, (stamp, T) in enumerate(
        zip(there.stamps_ns.tolist(), there.T_map_camera @ body, strict=True)
    ):
        message = make(messages.header(stamp, "map"), T)
        if number == 0:
            bag.add_topic(topic, message.__msgtype__)
        bag.write(topic, stamp, message)


def _edge(top: Any, T_map_base: np.ndarray) -> Any:
    return messages.transforms(top, BASE, T_map_base)


def _odometry(top: Any, T_map_base: np.ndarray) -> Any:
    pose = messages.pose_stamped(top, T_map_base).pose
    zero = message("geometry_msgs/msg/Vector3", x=0.0, y=0.0, z=0.0)
    twist = message("geometry_msgs/msg/Twist", linear=zero, angular=zero)
    unknown = np.zeros(36)
    stated = message("geometry_msgs/msg/PoseWithCovariance", pose=pose, covariance=unknown)
    moving = message("geometry_msgs/msg/TwistWithCovariance", twist=twist, covariance=unknown)
    return message(messages.ODOMETRY, header=top, child_frame_id=BASE, pose=stated, twist=moving)
