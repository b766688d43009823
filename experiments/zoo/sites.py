"""Sites: a harbour at night, galleries of a mine, a dock with LEDs, a wall of fruit."""

from __future__ import annotations

import numpy as np

from bpnp_ros import Camera
from experiments.zoo.kind import Detector, OpenKind, along, heights, held
from experiments.zoo.trial import Array

HD = Camera(np.array([[800.0, 0, 640], [0, 800, 360], [0, 0, 1]]), 1280, 720)
FULL_HD = Camera(np.array([[1100.0, 0, 960], [0, 1100, 540], [0, 0, 1]]), 1920, 1080)
DOCK = np.array([0.5, 0.3, 0.1])  # its middle
BLOCK, GALLERY, BLOCKS = 11.0, 5.0, 5  # metres, metres, along each side
_CORNERS = np.stack(np.meshgrid(*[(BLOCK + GALLERY) * np.arange(BLOCKS)] * 2), axis=-1)
ROCK = np.stack(
    [
        np.append(corner + wide, high)
        for corner in _CORNERS.reshape(-1, 2)
        for wide, high in ((0, -1.0), (BLOCK, 5.0))
    ]
).reshape(-1, 2, 3)


def harbour(rng: np.random.Generator) -> Array:
    """70 lights about a bay, 2 to 40 m high, 400 m to 2.5 km away."""
    angle, away = rng.uniform(-2.5, 2.5, 70), rng.uniform(400, 2500, 70)
    return np.column_stack([away * np.cos(angle), away * np.sin(angle), rng.uniform(2, 40, 70)])


def mine(rng: np.random.Generator) -> Array:
    """350 reflectors, 0.5 to 3.5 m high, on the walls of 25 blocks of rock between galleries."""
    corner = ROCK[rng.integers(len(ROCK), size=350), 0, :2]
    at, wall = rng.uniform(0, BLOCK, 350), rng.integers(4, size=350)
    x = np.choose(wall, [0 * at, at, BLOCK + 0 * at, at])
    y = np.choose(wall, [at, 0 * at, at, BLOCK + 0 * at])
    return np.column_stack([corner + np.column_stack([x, y]), rng.uniform(0.5, 3.5, 350)])


def dock(rng: np.random.Generator) -> Array:
    """10 LEDs on a dock of 1.0 x 0.6 x 0.2 m."""
    return rng.uniform(0, 2 * DOCK, (10, 3))


def fruit(rng: np.random.Generator) -> Array:
    """900 fruits of a trained row, 40 m long and 3 m high, within 0.15 m of a plane."""
    x, z = rng.uniform([0, 0.3], [40, 3.2], (900, 2)).T
    return np.column_stack([x, rng.normal(0, 0.15, 900), z])


def on_a_boat(rng: np.random.Generator) -> Array:
    """Rolling by some 2 deg."""
    position = np.append(rng.uniform(-250, 250, 2), rng.normal(3, 0.3))
    return _rolled(held("forward", rng.uniform(-1.5, 1.5), position, rng), rng.normal(0, 0.03))


def by_boat(count: int) -> Array:
    at = np.arange(count + 1)
    way = np.column_stack([-200 + 0.6 * at, 20 * np.sin(at / 60), np.full(count + 1, 3.0)])
    poses = along(way, "forward", count)
    return np.stack([_rolled(T, 0.05 * np.sin(0.2 * k)) for k, T in enumerate(poses)])


def _rolled(T: Array, roll: float) -> Array:
    rolled = T.copy()
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    rolled[:3, :2] = T[:3, :2] @ turn
    return rolled


def in_a_gallery(rng: np.random.Generator) -> Array:
    middle = (BLOCK + GALLERY) * rng.integers(1, BLOCKS) - GALLERY / 2
    turned = rng.random() < 0.5
    position = np.array([rng.uniform(10, 66), middle, 1.6])[[1, 0, 2] if turned else [0, 1, 2]]
    yaw = rng.choice([0, np.pi]) + turned * np.pi / 2 + rng.normal(0, 0.2)
    return held("forward", yaw, position, rng)


def off_the_dock(rng: np.random.Generator) -> Array:
    """3 to 8 m before it, any way up."""
    way = np.append(rng.normal(0, 0.4, 2), 1.0)
    position = DOCK + rng.uniform(3, 8) * way / np.linalg.norm(way)
    return _towards(DOCK + rng.normal(0, 0.15, 3), position, rng.uniform(-np.pi, np.pi))


def to_the_dock(count: int) -> Array:
    at = np.arange(count)
    way = np.column_stack([0.5 + 0.5 * np.sin(at / 40), np.full(count, 0.3), 8 - 0.045 * at])
    return np.stack([_towards(DOCK, position, 0.0) for position in way])


def _towards(middle: Array, position: Array, roll: float) -> Array:
    """A camera there that looks at the middle of a dock; at no roll its x axis is the dock's."""
    z = (middle - position) / np.linalg.norm(middle - position)
    y = np.cross(z, [np.cos(roll), np.sin(roll), 0])
    y /= np.linalg.norm(y)
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = np.column_stack([np.cross(y, z), y, z]), position
    return T


def beside_the_row(rng: np.random.Generator) -> Array:
    position = np.array([rng.uniform(3, 37), rng.normal(-1.8, 0.1), 1.5])
    return held("left", rng.normal(0, 0.1), position, rng)


KINDS = {
    "harbour lights from a boat": OpenKind(
        harbour,
        on_a_boat,
        {"motion": "level", "camera_tilt": 0.1, **heights(3.0, 1.0)},
        20.0,
        by_boat,
        camera=FULL_HD,
    ),
    "reflectors in a mine": OpenKind(
        mine,
        in_a_gallery,
        {"motion": "floor", "sight_range": 25.0, **heights(1.6)},
        0.5,
        lambda count: along(
            np.array([[12.0, 29.5, 1.6], [29.5, 29.5, 1.6], [29.5, 45, 1.6]]), "forward", count
        ),
        solids=ROCK,
    ),
    "LEDs of a dock": OpenKind(
        dock,
        off_the_dock,
        {"motion": "free"},
        0.3,
        to_the_dock,
        camera=HD,
        detector=Detector(noise=0.5),
    ),
    "a wall of fruit": OpenKind(
        fruit,
        beside_the_row,
        {"motion": "floor", "camera_mounting": "left", **heights(1.5)},
        0.1,
        lambda count: along(np.array([[5.0, -1.8, 1.5], [13, -1.8, 1.5]]), "left", count),
    ),
}
