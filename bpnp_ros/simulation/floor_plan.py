"""A floor of a building made from a seed: rooms on both sides of a corridor, doors, furniture."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from bpnp_ros.simulation.boxes import Array, Boxes

CEILING = 2.7
WALL = 0.12
DOOR_WIDTH = 1.1
DOOR_HEIGHT = 2.1
CORRIDOR_WIDTH = 2.2


@dataclass(frozen=True, eq=False)
class Room:
    """A rectangle of floor and the middle of its door (None for the corridor)."""

    lower: Array
    upper: Array
    door: Array | None

    @property
    def centre(self) -> Array:
        return 0.5 * (self.lower + self.upper)


@dataclass(frozen=True, eq=False)
class FloorPlan:
    """Rooms (the corridor last), their walls, and the furniture in them."""

    rooms: list[Room]
    walls: Boxes
    furniture: Boxes

    @property
    def solids(self) -> Boxes:
        return Boxes(
            np.concatenate([self.walls.lower, self.furniture.lower]),
            np.concatenate([self.walls.upper, self.furniture.upper]),
        )


def make_floor_plan(rng: Generator, rooms_per_side: int = 3) -> FloorPlan:
    """Rooms of random width and depth on both sides of one corridor along x."""
    widths = rng.uniform(4.0, 6.0, size=(2, rooms_per_side))
    widths *= widths[0].sum() / widths.sum(axis=1, keepdims=True)
    length = float(widths[0].sum())
    rooms = []
    for side in (0, 1):
        edges = np.concatenate([[0.0], np.cumsum(widths[side])])
        for x_min, x_max in itertools.pairwise(edges):
            rooms.append(_make_room(rng, side, float(x_min), float(x_max)))
    corridor = Room(np.zeros(2), np.array([length, CORRIDOR_WIDTH]), None)
    furniture = [box for room in rooms for box in _furnish(rng, room)]
    lower, upper = (np.array(corners) for corners in zip(*furniture, strict=True))
    return FloorPlan([*rooms, corridor], _walls(rooms, corridor), Boxes(lower, upper))


def _make_room(rng: Generator, side: int, x_min: float, x_max: float) -> Room:
    depth = rng.uniform(4.0, 5.5)
    y_min, y_max = (-depth, 0.0) if side == 0 else (CORRIDOR_WIDTH, CORRIDOR_WIDTH + depth)
    door_x = rng.uniform(x_min + 1.2, x_max - 1.2)
    door = np.array([door_x, 0.0 if side == 0 else CORRIDOR_WIDTH])
    return Room(np.array([x_min, y_min]), np.array([x_max, y_max]), door)


def _walls(rooms: list[Room], corridor: Room) -> Boxes:
    """Floor and ceiling, the walls of every room, and the corridor's walls with their doors."""
    low = np.min([room.lower for room in rooms], axis=0) - WALL
    high = np.max([room.upper for room in rooms], axis=0) + WALL
    boxes = [
        ([low[0], low[1], -WALL], [high[0], high[1], 0.0]),
        ([low[0], low[1], CEILING], [high[0], high[1], CEILING + WALL]),
    ]
    half = WALL / 2
    for room in rooms:
        (x0, y0), (x1, y1) = room.lower, room.upper
        far_y = y0 if y1 <= 0 else y1
        boxes.append(([x0 - half, far_y - half, 0], [x1 + half, far_y + half, CEILING]))
        boxes.append(([x0 - half, y0, 0], [x0 + half, y1, CEILING]))
        boxes.append(([x1 - half, y0, 0], [x1 + half, y1, CEILING]))
        assert room.door is not None
        door_x, wall_y = room.door
        left, right = door_x - DOOR_WIDTH / 2, door_x + DOOR_WIDTH / 2
        boxes.append(([x0, wall_y - half, 0], [left, wall_y + half, CEILING]))
        boxes.append(([right, wall_y - half, 0], [x1, wall_y + half, CEILING]))
        boxes.append(([left, wall_y - half, DOOR_HEIGHT], [right, wall_y + half, CEILING]))
    for x in (corridor.lower[0], corridor.upper[0]):
        boxes.append(([x - half, 0, 0], [x + half, CORRIDOR_WIDTH, CEILING]))
    lower, upper = zip(*boxes, strict=True)
    return Boxes(np.array(lower, float), np.array(upper, float))


def _furnish(rng: Generator, room: Room) -> list[tuple[Array, Array]]:
    """Cabinets and shelves along the walls, and a table in most rooms."""
    boxes = []
    for _ in range(rng.integers(4, 7)):
        size = rng.uniform([0.6, 0.3, 0.7], [1.6, 0.6, 2.1])
        box = _against_a_wall(rng, room, size)
        if not _blocks_door(room, *box):
            boxes.append(box)
    if rng.random() < 0.8:
        size = rng.uniform([0.8, 0.6, 0.7], [1.4, 0.9, 0.8])
        corner = room.centre - size[:2] / 2 + rng.uniform(-0.4, 0.4, size=2)
        box = (np.append(corner, 0.0), np.append(corner + size[:2], size[2]))
        if not _blocks_door(room, *box):
            boxes.append(box)
    return boxes


def _against_a_wall(rng: Generator, room: Room, size: Array) -> tuple[Array, Array]:
    along = int(rng.integers(2))
    extent = np.array([size[0], size[1]]) if along == 0 else np.array([size[1], size[0]])
    gap = WALL / 2
    corner = rng.uniform(room.lower + gap, room.upper - gap - extent)
    across = 1 - along
    far_side = rng.random() < 0.5
    corner[across] = (
        room.upper[across] - gap - extent[across] if far_side else room.lower[across] + gap
    )
    return np.append(corner, 0.0), np.append(corner + extent, size[2])


def _blocks_door(room: Room, lower: Array, upper: Array, clearance: float = 1.0) -> bool:
    if room.door is None:
        return False
    return bool(((room.door > lower[:2] - clearance) & (room.door < upper[:2] + clearance)).all())
