"""A robot that drives from one of two rooms that look alike towards the other, with odometry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from landmarks import Array, held, report

SECOND = 1_000_000_000
HEIGHT = 1.2
NOTHING = np.zeros(2)
T_BASE_CAMERA = held("left", 0.0, np.array([0.0, 0.0, HEIGHT]), NOTHING)
T_ODOM_MAP = held("forward", 0.0, np.zeros(3), NOTHING) @ np.linalg.inv(
    held("forward", 0.7, np.array([3.0, 1.0, 0.0]), NOTHING)
)
PARAMETERS: dict[str, Any] = {
    "motion": "floor",
    "tf_mode": "odom",
    "base_frame": "base",
    "camera_height_min": HEIGHT - 0.1,
    "camera_height_max": HEIGHT + 0.1,
}


@dataclass(frozen=True, eq=False)
class Moment:
    """stamp: nanoseconds. pixels: (M, 2). Poses (4, 4) of the robot's base."""

    stamp: int
    pixels: Array
    T_map_base: Array
    T_odom_base: Array


def rooms() -> Array:
    """Reflectors (N, 3) of two rooms, 12 m apart, and some along the way between."""
    rng = np.random.default_rng(0)
    room = rng.uniform((0, 0, 0.5), (6, 6, 3.0), (40, 3))
    way = rng.uniform((6, 2, 0.5), (12, 4, 3.0), (14, 3))
    return np.concatenate([room, room + np.array([12.0, 0, 0]), way])


def drive(landmarks: Array, frames: int = 11, seed: int = 3) -> Iterator[Moment]:
    """At 5 frames a second out of the first room; the camera looks to the left."""
    rng = np.random.default_rng(seed)
    for frame, x in enumerate(np.linspace(3.0, 6.7, frames)):
        T_map_camera = held("left", 0.0, np.array([x, 0.5, HEIGHT]), NOTHING)
        T_map_base = T_map_camera @ np.linalg.inv(T_BASE_CAMERA)
        pixels = report(landmarks, T_map_camera, rng, 0.05, 0.1)
        yield Moment(
            100 * SECOND + frame * SECOND // 5, pixels, T_map_base, T_ODOM_MAP @ T_map_base
        )
