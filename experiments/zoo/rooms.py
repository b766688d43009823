"""Reflectors on walls: a hall, two rooms that look alike, a corridor."""

from __future__ import annotations

import numpy as np

from experiments.zoo.kind import OpenKind, along, heights, held, loop
from experiments.zoo.trial import Array


def on_walls(width: float, depth: float, count: int, rng: np.random.Generator) -> Array:
    """Reflectors (count, 3), 0.5 to 3.5 m high, on the four walls of a hall."""
    corners = np.cumsum([0, width, depth, width, depth])
    at = rng.uniform(0, corners[-1], count)
    x = np.interp(at, corners, [0, width, width, 0, 0])
    y = np.interp(at, corners, [0, 0, depth, depth, 0])
    return np.column_stack([x, y, rng.uniform(0.5, 3.5, count)])


def twins(rng: np.random.Generator) -> Array:
    """Two rooms of 8 x 6 m with 40 reflectors each in the same places, 12 m apart; 12 between."""
    room = on_walls(8, 6, 40, rng)
    between = np.column_stack([rng.uniform(8, 12, 12), np.zeros(12), rng.uniform(0.5, 3, 12)])
    return np.concatenate([room, room + np.array([12, 0, 0]), between])


def corridor(rng: np.random.Generator) -> Array:
    """120 reflectors on both walls of 80 m, nowhere regular."""
    x, y = rng.uniform(0, 80, 120), rng.choice([0.0, 2.5], 120)
    return np.column_stack([x, y, rng.uniform(0.4, 2.6, 120)])


def inside(low: tuple[float, float], high: tuple[float, float], rng: np.random.Generator) -> Array:
    position = np.append(rng.uniform(low, high), 1.2)
    return held("forward", rng.uniform(-np.pi, np.pi), position, rng)


def down_the_corridor(rng: np.random.Generator) -> Array:
    yaw = rng.choice([0.0, np.pi]) + rng.normal(0, 0.15)
    return held("forward", yaw, np.array([rng.uniform(15, 65), rng.uniform(0.8, 1.7), 1.2]), rng)


FLOOR: dict[str, object] = {"motion": "floor", **heights(1.2)}
KINDS = {
    "reflectors in a hall": OpenKind(
        lambda rng: on_walls(40, 25, 150, rng),
        lambda rng: inside((5, 5), (35, 20), rng),
        FLOOR,
        0.5,
        lambda count: along(loop(np.array([20, 12, 1.2]), (12, 7), count + 1), "forward", count),
    ),
    "the hall, heights unknown": OpenKind(
        lambda rng: on_walls(40, 25, 150, rng),
        lambda rng: inside((5, 5), (35, 20), rng),
        {"motion": "level"},
        0.5,
    ),
    "two identical rooms": OpenKind(
        twins,
        lambda rng: inside((2, 2), (6, 4), rng),
        FLOOR,
        0.25,
        lambda count: along(
            np.array([[10.0, 3, 1.2], [6, 3, 1.2], [2, 3, 1.2], [2, 4, 1.2]]), "forward", count
        ),
    ),
    "long corridor": OpenKind(
        corridor,
        down_the_corridor,
        {**FLOOR, "sight_range": 20.0},
        0.3,
        lambda count: along(np.array([[10, 1.2, 1.2], [60, 1.2, 1.2]]), "forward", count),
    ),
}
