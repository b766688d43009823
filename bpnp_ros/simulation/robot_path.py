"""A robot that drives about a hall, its camera looking up, and is taken elsewhere now and then."""

from __future__ import annotations

import numpy as np
import torch
from numpy.random import Generator

from bpnp_ros.map_model.motion import FLOOR, Motion, mounting
from bpnp_ros.map_model.view_space import camera_orientation
from bpnp_ros.simulation.boxes import Array
from bpnp_ros.simulation.camera_path import (
    CameraPath,
    clear_way,
    free_point,
    length,
    resample,
    smooth,
    sway,
)
from bpnp_ros.simulation.floor_plan import FloorPlan

SPEED = 0.8
CAMERA_HEIGHT = 0.4
TILT = 0.006  # radians, as the floor makes it
LOOKING_UP = Motion(FLOOR, np.array([0.0, 0.0, 1.0]), mounting("up"), 0.03)


def make_robot_path(
    plan: FloorPlan, seed: int, duration: float = 60.0, rate: float = 10.0, kidnaps: int = 2
) -> CameraPath:
    """A drive of `duration` seconds at `rate` Hz; each kidnap continues it in another part."""
    rng = np.random.default_rng([seed, 4])
    stamps = np.arange(round(duration * rate)) / rate
    drives: list[Array] = []
    for piece in np.array_split(stamps, kidnaps + 1):
        last = drives[-1][-1, :2, 3] if drives else None
        drives.append(_drive(rng, plan, len(piece), rate, last))
    starts = np.cumsum([len(drive) for drive in drives[:-1]])
    return CameraPath(stamps, np.concatenate(drives), tuple(int(start) for start in starts))


def _drive(
    rng: Generator, plan: FloorPlan, frames: int, rate: float, away_from: Array | None
) -> Array:
    """Poses (frames, 4, 4), the first of them at least a quarter of the hall from a place."""
    hall = plan.rooms[0]
    start = free_point(rng, plan, hall)
    while (
        away_from is not None
        and np.linalg.norm(start - away_from) < np.ptp([hall.lower, hall.upper], axis=0).max() / 4
    ):
        start = free_point(rng, plan, hall)
    points = [start]
    while length(np.array(points)) < SPEED * (frames / rate + 2.0):
        points += clear_way(rng, plan, 0, points[-1], free_point(rng, plan, hall))
    track = smooth(resample(np.array(points), SPEED / rate), rate)[:frames]
    ahead = np.diff(track, axis=0, append=track[-1:] + (track[-1:] - track[-2:-1]))
    seconds = np.arange(frames) / rate
    yaw = smooth(np.unwrap(np.arctan2(ahead[:, 1], ahead[:, 0]))[:, None], rate)[:, 0]
    tilt = [sway(rng, seconds, TILT, period) for period in (1.7, 2.3)]
    turns = torch.from_numpy(np.stack([yaw, *tilt], axis=1))
    T = np.tile(np.eye(4), (frames, 1, 1))
    T[:, :3, :3] = camera_orientation(turns, LOOKING_UP).numpy()
    T[:, :2, 3], T[:, 2, 3] = track, CAMERA_HEIGHT
    return T
