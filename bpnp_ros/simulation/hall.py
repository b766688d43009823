"""A hall with lamps that all look alike, some of them hanging lower than others."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from bpnp_ros.simulation.boxes import Array, Boxes
from bpnp_ros.simulation.floor_plan import WALL, FloorPlan, Room
from bpnp_ros.simulation.world import World

SMALLEST, LARGEST = (16.0, 10.0), (24.0, 14.0)  # metres
HEIGHTS, CEILING = (2.9, 3.3, 4.1), 4.4
AREA_OF_A_LAMP, APART = 2.6, 0.7  # square metres, metres
FROM_THE_WALL = 0.5


def make_hall(seed: int) -> World:
    """The same seed gives the same hall: 60 to 130 lamps over stacks of goods."""
    rng = np.random.default_rng([seed, 3])
    size = rng.uniform(SMALLEST, LARGEST)
    hall = Room(np.zeros(2), size, None)
    plan = FloorPlan([hall], _walls(size), _stacks(rng, size))
    lamps = _lamps(rng, size)
    return World(plan, plan.solids, lamps, np.tile([0.0, 0.0, -1.0], (len(lamps), 1)))


def _walls(size: Array) -> Boxes:
    x, y = size
    lower = [[-WALL, -WALL, -WALL], [-WALL, -WALL, CEILING]]
    upper = [[x + WALL, y + WALL, 0], [x + WALL, y + WALL, CEILING + WALL]]
    for low, high in (((-WALL, -WALL), (0, y)), ((x, -WALL), (x + WALL, y)),
                      ((-WALL, -WALL), (x, 0)), ((-WALL, y), (x + WALL, y + WALL))):  # fmt: skip
        lower.append([*low, 0.0])
        upper.append([*high, CEILING])
    return Boxes(np.array(lower, float), np.array(upper, float))


def _stacks(rng: Generator, size: Array, count: int = 7) -> Boxes:
    extent = rng.uniform([1.0, 0.8, 0.6], [3.0, 1.2, 1.4], (count, 3))
    extent[::2, :2] = extent[::2, 1::-1]
    corner = rng.uniform(2.0, size - 2.0 - extent[:, :2])
    lower = np.column_stack([corner, np.zeros(count)])
    return Boxes(lower, lower + extent)


def _lamps(rng: Generator, size: Array) -> Array:
    """Lamps (N, 3), none of them right beside another."""
    wanted = round(size.prod() / AREA_OF_A_LAMP)
    lamps = np.zeros((0, 2))
    for place in rng.uniform(FROM_THE_WALL, size - FROM_THE_WALL, (20 * wanted, 2)):
        alone = not (np.linalg.norm(lamps - place, axis=1) < APART).any()
        if alone and len(lamps) < wanted:
            lamps = np.vstack([lamps, place])
    return np.column_stack([lamps, rng.choice(HEIGHTS, len(lamps))])
