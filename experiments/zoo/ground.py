"""Landmarks on or near the ground: cones, poles, markers on a field."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from experiments.zoo.kind import OpenKind, along, heights, held, loop
from experiments.zoo.trial import Array


def cones(rng: np.random.Generator) -> Array:
    """120 cones, 0.3 m high, on both sides of a race track of 60 x 40 m, not quite regular."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False) + rng.normal(0, 0.02, 60)
    sides = [[30 + s, 20 + s] * np.column_stack([np.cos(angle), np.sin(angle)]) for s in (-2, 2)]
    ground = np.concatenate(sides) + rng.normal(0, 0.15, (120, 2))
    return np.column_stack([ground, np.full(120, 0.3)])


def orchard(rng: np.random.Generator) -> Array:
    """Tops of 100 poles, 2.5 m high, in ten rows 4 m apart, 5 m apart in a row, within 0.3 m."""
    x, y = np.meshgrid(5.0 * np.arange(10), 4.0 * np.arange(10))
    ground = np.column_stack([x.ravel(), y.ravel()]) + rng.normal(0, 0.3, (100, 2))
    return np.column_stack([ground, rng.normal(2.5, 0.1, 100)])


def field(rng: np.random.Generator) -> Array:
    """150 markers on uneven ground of 300 x 300 m."""
    return np.column_stack([rng.uniform(0, 300, (150, 2)), rng.normal(0, 1.0, 150)])


def on_the_track(rng: np.random.Generator) -> Array:
    angle = rng.uniform(0, 2 * np.pi)
    position = np.array([30 * np.cos(angle), 20 * np.sin(angle), 0.9])
    ahead = np.arctan2(20 * np.cos(angle), -30 * np.sin(angle))
    return held("forward", ahead + rng.normal(0, 0.1), position, rng)


def between_poles(rng: np.random.Generator) -> Array:
    x, y = rng.uniform([2, 2], [43, 34])
    return held("forward", rng.uniform(-np.pi, np.pi), np.array([x, y, 1.0]), rng)


def above_the_field(rng: np.random.Generator) -> Array:
    x, y, z = rng.uniform([60, 60, 90], [240, 240, 110])
    return held("down", rng.uniform(-np.pi, np.pi), np.array([x, y, z]), rng)


TRACK = OpenKind(
    cones,
    on_the_track,
    {"motion": "floor", "sight_range": 25.0, **heights(0.9)},
    0.5,
    lambda count: along(loop(np.array([0, 0, 0.9]), (30, 20), count + 1, 0.006), "forward", count),
)
KINDS = {
    "cones of a race track": TRACK,
    "the same cones in two classes": replace(TRACK, classes=2),
    "orchard poles": OpenKind(
        orchard,
        between_poles,
        {"motion": "floor", "sight_range": 20.0, **heights(1.0)},
        0.5,
        lambda count: along(loop(np.array([22, 18, 1.0]), (15, 12), count + 1), "forward", count),
    ),
    "drone over field markers": OpenKind(
        field,
        above_the_field,
        {"motion": "level", "camera_mounting": "down", **heights(100, 15)},
        1.5,
        lambda count: along(loop(np.array([150, 150, 100.0]), (70, 60), count + 1), "down", count),
    ),
}
