"""How the camera is mounted on its robot: as `camera_mounting` says, else as TF says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.errors import ConfigError
from bpnp_ros.map_model.motion import FLOOR, FORWARD, LEVEL

Array = NDArray[np.float64]

_GIMBAL_LOCK = 1 - 1e-9  # sine of a pitch beside which roll and heading are the same


def is_left_to_tf(config: LocalizerConfig, base_frame: str) -> bool:
    """Whether the mounting has to be looked up: base_frame -> camera, for motion floor or level.

    Raises ConfigError for a robot on a floor of which neither is told.
    """
    if config.motion not in (FLOOR, LEVEL) or config.camera_mounting:
        return False
    if config.motion == FLOOR and not base_frame:
        raise ConfigError(
            "motion is floor, but nothing says how the camera is mounted; set camera_mounting "
            "(forward, up, ...), or base_frame where TF leads from it to the camera."
        )
    return bool(base_frame)


def mounted(config: LocalizerConfig, T_base_camera: Array) -> LocalizerConfig:
    """The parameters with the mounting that TF tells, T_base_camera (4, 4), z of the base up."""
    angles = " ".join(f"{angle:.6f}" for angle in roll_pitch_yaw(T_base_camera[:3, :3]))
    return replace(config, camera_mounting=angles)


def roll_pitch_yaw(R_base_camera: Array) -> tuple[float, float, float]:
    """Degrees, as `camera_mounting` takes them, of an optical frame (3, 3) in x ahead, z up."""
    R = R_base_camera @ FORWARD.T
    if abs(R[2, 0]) > _GIMBAL_LOCK:
        roll, yaw = 0.0, math.atan2(-R[0, 1], R[1, 1])
    else:
        roll, yaw = math.atan2(R[2, 1], R[2, 2]), math.atan2(R[1, 0], R[0, 0])
    pitch = math.asin(max(-1.0, min(1.0, -R[2, 0])))
    return math.degrees(roll), math.degrees(pitch), math.degrees(yaw)
