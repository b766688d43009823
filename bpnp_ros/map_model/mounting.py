"""How the camera is held: as `camera_mounting` says, else as TF or gravity says."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.errors import ConfigError
from bpnp_ros.map_model.motion import AUTO, FLOOR, FORWARD, GRAVITY, LEVEL, UNLIMITED, direction

Array = NDArray[np.float64]

HEIGHT_SLACK = 0.1  # metres by which a height from TF may be wrong

_GIMBAL_LOCK = 1 - 1e-9  # sine of a pitch beside which roll and heading are the same


@dataclass(frozen=True, eq=False)
class Holding:
    """T_level_camera: (4, 4), in axes whose z is up and whose heading nobody knows. height: of the
    camera in the map, along up, metres; None: not known. source: who says so, for people."""

    T_level_camera: Array
    height: float | None
    source: str


def is_left_to_gravity(config: LocalizerConfig) -> bool:
    """Whether an Imu or odometry has to be asked. Raises ConfigError where that makes no sense."""
    if config.camera_mounting.strip().lower() != GRAVITY:
        return False
    if config.motion not in (FLOOR, LEVEL, AUTO):
        raise ConfigError(
            f"camera_mounting is gravity, which motion {config.motion} has no use for; choose "
            "floor or level, or leave it empty."
        )
    return True


def is_left_to_tf(config: LocalizerConfig, base_frame: str) -> bool:
    """Whether the mounting has to be looked up: base_frame -> camera, for motion floor or level.

    Raises ConfigError for a robot on a floor of which neither is told.
    """
    if config.motion not in (FLOOR, LEVEL) or config.camera_mounting:
        return False
    if config.motion == FLOOR and not base_frame:
        raise ConfigError(
            "motion is floor, but nothing says how the camera is mounted; set camera_mounting "
            "(forward, up, ..., or gravity for an Imu or odometry to tell), or base_frame where TF "
            "leads from it to the camera."
        )
    return bool(base_frame)


def mounted(config: LocalizerConfig, T_base_camera: Array) -> LocalizerConfig:
    """The parameters with the mounting that TF tells, T_base_camera (4, 4), z of the base up."""
    angles = " ".join(f"{angle:.6f}" for angle in roll_pitch_yaw(T_base_camera[:3, :3]))
    return replace(config, camera_mounting=angles)


def told(config: LocalizerConfig, holding: Holding) -> LocalizerConfig:
    """The parameters with all that is known of how, and how high, the camera is held."""
    config = mounted(config, holding.T_level_camera)
    if holding.height is None or not asks_for_height(config):
        return config
    low, high = holding.height - HEIGHT_SLACK, holding.height + HEIGHT_SLACK
    return replace(config, camera_height_min=low, camera_height_max=high)


def asks_for_height(config: LocalizerConfig) -> bool:
    """Whether a robot's user has left open how high its camera is."""
    heights = (config.camera_height_min, config.camera_height_max)
    return config.motion == FLOOR and heights == UNLIMITED


def height_of(config: LocalizerConfig, T_map_camera: Array) -> float:
    """Coordinate of a camera at T_map_camera (4, 4) along up, metres."""
    return float(T_map_camera[:3, 3] @ direction(config.up))


def upright(up_in_camera: Array) -> Array:
    """T_level_camera (4, 4) of a camera in whose axes up is (3,), at any heading."""
    up = up_in_camera / np.linalg.norm(up_in_camera)
    beside = np.cross(up, np.eye(3)[np.abs(up).argmin()])
    ahead = beside / np.linalg.norm(beside)
    T = np.eye(4)
    T[:3, :3] = np.stack([ahead, np.cross(up, ahead), up])
    return T


def roll_pitch_yaw(R_base_camera: Array) -> tuple[float, float, float]:
    """Degrees, as `camera_mounting` takes them, of an optical frame (3, 3) in x ahead, z up."""
    R = R_base_camera @ FORWARD.T
    if abs(R[2, 0]) > _GIMBAL_LOCK:
        roll, yaw = 0.0, math.atan2(-R[0, 1], R[1, 1])
    else:
        roll, yaw = math.atan2(R[2, 1], R[2, 2]), math.atan2(R[1, 0], R[0, 0])
    pitch = math.asin(max(-1.0, min(1.0, -R[2, 0])))
    return math.degrees(roll), math.degrees(pitch), math.degrees(yaw)
