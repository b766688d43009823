"""A simulated world: solid boxes and the landmarks on them that a keypoint detector would find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bpnp_ros.simulation.boxes import Array, Boxes
from bpnp_ros.simulation.floor_plan import CEILING, FloorPlan, Room, make_floor_plan

MOST_DISTANT_LANDMARK = 12.0
FLATTEST_VIEW = 0.15
LIGHT_SPACING = 1.2


@dataclass(frozen=True, eq=False)
class World:
    """landmarks: (N, 3) metres; normals: (N, 3) of the surface that each sits on."""

    plan: FloorPlan
    solids: Boxes
    landmarks: Array
    normals: Array

    def visible(self, position: Array, candidates: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which landmarks `candidates` (N,) a camera at `position` (3,) could see -> (N,)."""
        towards = position - self.landmarks[candidates]
        distance = np.linalg.norm(towards, axis=1)
        facing = (towards * self.normals[candidates]).sum(axis=1) > FLATTEST_VIEW * distance
        seen = facing & (distance < MOST_DISTANT_LANDMARK)
        seen[seen] = ~self.solids.occlude(position, self.landmarks[candidates[seen]])
        return seen


def make_world(seed: int, rooms_per_side: int = 3, landmarks_per_room: int = 480) -> World:
    """The same seed gives the same world. By default six rooms and 2,848 landmarks or so."""
    rng = np.random.default_rng(seed)
    plan = make_floor_plan(rng, rooms_per_side)
    per_room = [_room_landmarks(rng, plan, room, landmarks_per_room) for room in plan.rooms]
    landmarks, normals = (np.concatenate(parts) for parts in zip(*per_room, strict=True))
    solids = plan.solids
    in_the_open = ~solids.contain(landmarks + 0.02 * normals)
    on_a_surface = solids.contain(landmarks - 0.02 * normals)
    kept = in_the_open & on_a_surface
    return World(plan, solids, landmarks[kept], normals[kept])


def _room_landmarks(rng: Generator, plan: FloorPlan, room: Room, count: int) -> tuple[Array, Array]:
    lights = _ceiling_lights(room)
    corners, corner_normals = _furniture_landmarks(rng, plan.furniture, room)
    posters, poster_normals = _poster_landmarks(rng, room, count - len(lights) - len(corners))
    down = np.tile([0.0, 0.0, -1.0], (len(lights), 1))
    points = np.concatenate([lights, corners, posters])
    return points, np.concatenate([down, corner_normals, poster_normals])


def _ceiling_lights(room: Room) -> Array:
    """A regular grid of lamps that all look alike."""
    size = room.upper - room.lower
    counts = np.maximum((size / LIGHT_SPACING).astype(int), 1)
    axes = [
        low + (np.arange(n) + 0.5) * extent / n
        for low, extent, n in zip(room.lower, size, counts, strict=True)
    ]
    x, y = (grid.ravel() for grid in np.meshgrid(*axes))
    return np.stack([x, y, np.full(len(x), CEILING)], axis=1)


def _furniture_landmarks(rng: Generator, furniture: Boxes, room: Room) -> tuple[Array, Array]:
    """Random details on the tops and sides of every piece that stands in the room."""
    centre = 0.5 * (furniture.lower + furniture.upper)[:, :2]
    inside = ((centre > room.lower) & (centre < room.upper)).all(axis=1)
    points, normals = [np.zeros((0, 3))], [np.zeros((0, 3))]
    for lower, upper in zip(furniture.lower[inside], furniture.upper[inside], strict=True):
        n = 20
        position = rng.uniform(lower, upper, size=(n, 3))
        axis = rng.choice(3, size=n, p=[0.35, 0.35, 0.3])
        sign = np.where(axis == 2, 1, rng.choice([-1, 1], size=n))
        rows = np.arange(n)
        position[rows, axis] = np.where(sign > 0, upper[axis], lower[axis])
        normal = np.zeros((n, 3))
        normal[rows, axis] = sign
        points.append(position)
        normals.append(normal)
    return np.concatenate(points), np.concatenate(normals)


def _poster_landmarks(rng: Generator, room: Room, count: int) -> tuple[Array, Array]:
    """Details in clusters on the four walls: pictures, notices, switches."""
    size = room.upper - room.lower
    per_poster = 6
    posters = max(count, 0) // per_poster + 1
    wall = rng.choice(
        4, size=posters, p=np.array([size[0], size[0], size[1], size[1]]) / 2 / size.sum()
    )
    along = rng.uniform(0.03, 0.97, posters)
    height = rng.uniform(0.3, CEILING - 0.3, posters)
    spread = rng.uniform(0.1, 0.35, posters)
    repeat = np.repeat(np.arange(posters), per_poster)
    offset = rng.uniform(-1, 1, (len(repeat), 2)) * spread[repeat, None]
    axis = np.where(wall[repeat] < 2, 0, 1)
    far = wall[repeat] % 2 == 1
    rows = np.arange(len(repeat))
    points = np.zeros((len(repeat), 3))
    points[rows, axis] = room.lower[axis] + along[repeat] * size[axis] + offset[:, 0]
    across = 1 - axis
    inset = np.where(far, -0.06, 0.06)
    points[rows, across] = np.where(far, room.upper[across], room.lower[across]) + inset
    points[:, 2] = np.clip(height[repeat] + offset[:, 1], 0.1, CEILING - 0.1)
    normals = np.zeros_like(points)
    normals[rows, across] = np.sign(inset)
    return points[:count], normals[:count]
