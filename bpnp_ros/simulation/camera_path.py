"""A camera carried through a simulated building, and taken elsewhere now and then."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator

from bpnp_ros.map_model.view_space import camera_orientation
from bpnp_ros.simulation.boxes import Array
from bpnp_ros.simulation.floor_plan import CORRIDOR_WIDTH, FloorPlan, Room

SPEED = 0.7
CLEARANCE = 0.35
DOORSTEP = 0.7
STAND_OFF = 1.25


@dataclass(frozen=True, eq=False)
class CameraPath:
    """stamps: (F,) seconds from 0. T_map_camera: (F, 4, 4). kidnaps: frames where it jumps."""

    stamps: Array
    T_map_camera: Array
    kidnaps: tuple[int, ...]


def make_camera_path(
    plan: FloorPlan, seed: int, duration: float = 60.0, rate: float = 10.0, kidnaps: int = 2
) -> CameraPath:
    """A walk of `duration` seconds at `rate` Hz; each kidnap continues it in a room elsewhere."""
    rng = np.random.default_rng([seed, 1])
    stamps = np.arange(round(duration * rate)) / rate
    pieces = np.array_split(stamps, kidnaps + 1)
    starts = np.cumsum([0, *(len(piece) for piece in pieces[:-1])])
    rooms = rng.permutation(len(plan.rooms) - 1)[: kidnaps + 1]
    walks = [
        _walk(rng, plan, int(room), len(piece), rate)
        for room, piece in zip(rooms, pieces, strict=True)
    ]
    return CameraPath(stamps, np.concatenate(walks), tuple(int(s) for s in starts[1:]))


def _walk(rng: Generator, plan: FloorPlan, room: int, frames: int, rate: float) -> Array:
    """Poses (frames, 4, 4) of a walk that begins in a room."""
    track = smooth(resample(_waypoints(rng, plan, room, frames / rate), SPEED / rate), rate)
    track = track[:frames]
    ahead = np.diff(track, axis=0, append=track[-1:] + (track[-1:] - track[-2:-1]))
    seconds = np.arange(frames) / rate
    yaw = np.unwrap(np.arctan2(ahead[:, 1], ahead[:, 0]))
    yaw = smooth(yaw[:, None], rate, seconds=2.5)[:, 0] + sway(rng, seconds, 0.5, 7.0)
    tilt = [sway(rng, seconds, amplitude, 5.0) for amplitude in (0.12, 0.06)]
    R = camera_orientation(torch.from_numpy(np.stack([yaw, *tilt], axis=1))).numpy()
    T = np.tile(np.eye(4), (frames, 1, 1))
    T[:, :3, :3] = R
    T[:, :2, 3] = track
    T[:, 2, 3] = 1.5 + sway(rng, seconds, 0.1, 3.0)
    return T


def _waypoints(rng: Generator, plan: FloorPlan, room: int, seconds: float) -> Array:
    """Corners of a walk of at least `seconds`: about a room, through its door, into the next."""
    others = range(len(plan.rooms) - 1)
    points = [free_point(rng, plan, plan.rooms[room])]
    while length(np.array(points)) < SPEED * (seconds + 2.0):
        for _ in range(2):
            stop = free_point(rng, plan, plan.rooms[room])
            points += clear_way(rng, plan, room, points[-1], stop)
        leave = _doorsteps(plan.rooms[room])
        points += [*clear_way(rng, plan, room, points[-1], leave[0]), *leave[1:]]
        room = int(rng.choice([other for other in others if other != room]))
        points += _doorsteps(plan.rooms[room])[::-1]
    return np.array(points)


def clear_way(
    rng: Generator, plan: FloorPlan, room: int, start: Array, goal: Array, tries: int = 100
) -> list[Array]:
    """Straight to the goal, or around the furniture by one or two free points.

    Where no way is found it leads over the furniture, which the camera is high enough for.
    """
    for detours in (0, 1, 2):
        for _ in range(tries if detours else 1):
            vias = [free_point(rng, plan, plan.rooms[room]) for _ in range(detours)]
            way = [start, *vias, goal]
            if all(_clear(plan, a, b) for a, b in itertools.pairwise(way)):
                return way[1:]
    return [goal]


def _clear(plan: FloorPlan, start: Array, goal: Array) -> bool:
    knee = [0.3]
    obstacles = plan.furniture.grown(CLEARANCE)
    return not obstacles.occlude(np.append(start, knee), np.append(goal, knee)[None])[0]


def free_point(rng: Generator, plan: FloorPlan, room: Room, tries: int = 100) -> Array:
    """Where one can stand in a room (2,), metres."""
    for _ in range(tries):
        point = rng.uniform(room.lower + STAND_OFF, room.upper - STAND_OFF)
        if not plan.furniture.contain(np.append(point, 0.3)[None], CLEARANCE)[0]:
            return point
    raise ValueError("the room is so full of furniture that nobody can stand in it")


def _doorsteps(room: Room) -> list[Array]:
    """The way out of a room: in front of its door, in the door, in the middle of the corridor."""
    assert room.door is not None
    outwards = np.array([0.0, np.sign(room.door[1] - room.centre[1])])
    return [room.door - DOORSTEP * outwards, room.door, room.door + CORRIDOR_WIDTH / 2 * outwards]


def length(points: Array) -> float:
    """Of a polyline (N, 2), metres."""
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def resample(points: Array, step: float) -> Array:
    """The polyline at equal steps of arc length."""
    travelled = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.arange(0, travelled[-1], step)
    return np.stack([np.interp(at, travelled, points[:, axis]) for axis in (0, 1)], axis=1)


def smooth(track: Array, rate: float, seconds: float = 1.2) -> Array:
    """Moving average over `seconds`, the ends held. (F, D) -> (F, D)."""
    width = max(int(seconds * rate) | 1, 3)
    padded = np.pad(track, ((width // 2, width // 2), (0, 0)), mode="edge")
    kernel = np.ones(width) / width
    columns = [np.convolve(column, kernel, mode="valid") for column in padded.T]
    return np.stack(columns, axis=1)


def sway(rng: Generator, seconds: Array, amplitude: float, period: float) -> Array:
    """A sine of a random phase at some times (F,)."""
    return amplitude * np.sin(2 * np.pi * (seconds / period + rng.random()))
