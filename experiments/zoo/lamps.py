"""Lamps and other lights: on ceilings, on a rig, along a street."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.zoo.kind import FISHEYE, OpenKind, along, heights, held, loop
from experiments.zoo.trial import Array

UP = {"motion": "floor", "camera_mounting": "up", **heights(0.5)}


def ceiling(rng: np.random.Generator) -> Array:
    """80 lamps at three heights over 20 x 12 m."""
    return np.column_stack([rng.uniform(0, [20, 12], (80, 2)), rng.choice([3.0, 3.2, 4.0], 80)])


def grid(rng: np.random.Generator) -> Array:
    """A grid of 12 x 8 lamps, 2.4 m apart and 4 m high, of which every fifth is missing."""
    x, y = np.meshgrid(2.4 * np.arange(12), 2.4 * np.arange(8))
    lamps = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, 4.0)])
    return lamps[rng.random(len(lamps)) > 0.2]


def rig(rng: np.random.Generator) -> Array:
    """16 LEDs on a rig of 0.5 x 0.4 x 0.2 m."""
    return rng.uniform(0, [0.5, 0.4, 0.2], (16, 3))


def street(rng: np.random.Generator) -> Array:
    """Street lamps, 6 to 8 m high, some 25 m apart on both sides of 500 m of a bending street."""
    at = np.arange(0, 500, 25.0)
    middle = np.column_stack([at, 25 * np.sin(at / 80)])
    sides = [middle + np.array([0, side]) + rng.normal(0, 1.5, middle.shape) for side in (-6, 6)]
    ground = np.concatenate(sides)
    return np.column_stack([ground, rng.uniform(6, 8, len(ground))])


def below(low: tuple[float, float], high: tuple[float, float], rng: np.random.Generator) -> Array:
    """A camera 0.5 m high that looks up."""
    return held("up", rng.uniform(-np.pi, np.pi), np.append(rng.uniform(low, high), 0.5), rng)


def around_a_rig(rng: np.random.Generator) -> Array:
    """From any side, 0.5 to 0.9 m from the middle of the rig, rolled at random."""
    z, across = rng.normal(size=(2, 3))
    return _towards_the_rig(z / np.linalg.norm(z), across, rng.uniform(0.5, 0.9))


def around_the_rig(count: int) -> Array:
    """Once around the rig, 0.7 m away."""
    angle = 2 * np.pi * np.arange(count) / max(count, 100)
    poses = [
        _towards_the_rig(np.array([np.cos(a), np.sin(a), -0.5]) / 1.118, np.array([0, 0, 1.0]), 0.7)
        for a in angle
    ]
    return np.stack(poses)


def _towards_the_rig(z: Array, across: Array, metres: float) -> Array:
    x = np.cross(across, z)
    x /= np.linalg.norm(x)
    T = np.eye(4)
    T[:3, :3] = np.column_stack([x, np.cross(z, x), z])
    T[:3, 3] = np.array([0.25, 0.2, 0.1]) - metres * z
    return T


def on_the_street(rng: np.random.Generator) -> Array:
    x = rng.uniform(20, 380)
    bend = np.arctan(25 / 80 * np.cos(x / 80))
    return held("forward", bend + rng.normal(0, 0.05), np.array([x, _lane(x), 1.4]), rng)


def along_the_street(count: int) -> Array:
    x = 20 + np.arange(count + 1, dtype=np.float64)
    return along(np.column_stack([x, _lane(x), np.full(len(x), 1.4)]), "forward", count)


def _lane(x: Any) -> Any:
    """Where the lane is across the street, for one or many x."""
    return 25 * np.sin(x / 80) - 2


KINDS = {
    "ceiling lamps, looking up": OpenKind(
        ceiling,
        lambda rng: below((2, 2), (18, 10), rng),
        UP,
        0.25,
        lambda count: along(loop(np.array([10, 6, 0.5]), (7, 4), count + 1), "up", count),
    ),
    "ceiling lamps, fisheye": OpenKind(
        ceiling,
        lambda rng: below((2, 2), (18, 10), rng),
        {**UP, "sight_range": 10.0},
        0.25,
        lambda count: along(loop(np.array([10, 6, 0.5]), (7, 4), count + 1), "up", count),
        camera=FISHEYE,
    ),
    "lamp grid with gaps": OpenKind(
        grid,
        lambda rng: below((3, 3), (23, 14), rng),
        UP,
        0.25,
        lambda count: along(loop(np.array([13, 8, 0.5]), (9, 5), count + 1), "up", count),
        seconds=45.0,
        settled=25.0,  # exact inference on the lattice's cells takes 9 to 20 s of this drive
    ),
    "LEDs on a rig": OpenKind(rig, around_a_rig, {"motion": "free"}, 0.05, around_the_rig),
    "street lamps from a car": OpenKind(
        street,
        on_the_street,
        {"motion": "floor", "sight_range": 120.0, **heights(1.4)},
        1.0,
        along_the_street,
    ),
}
