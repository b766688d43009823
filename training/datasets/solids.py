"""Made-up scenes of boxes and ellipsoids on a ground, and rays against them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.float64]

AIM = np.array([0.0, 0.0, 1.0])
_THIN = 0.01
_GRAZING = 1e-12


@dataclass(frozen=True, eq=False)
class Solids:
    """K images of the cube [-1, 1]^3, or of the unit ball.

    centre: (K, 3). axes: (K, 3, 3), columns are half axes. ball: (K,). texture: (K,), how likely
    a spot on the solid is a keypoint.
    """

    centre: Array
    axes: Array
    ball: NDArray[np.bool_]
    texture: Array

    def first_hit(self, start: Array, directions: Array) -> tuple[Array, NDArray[np.int64]]:
        """Along rays from start (3,) in directions (N, 3): how many of them, and which solid (N,).

        Infinite where a ray meets nothing. A solid that the start lies in is passed through.
        """
        to_unit = np.linalg.inv(self.axes)
        s = to_unit @ (start - self.centre)[:, :, None]
        d = to_unit @ directions.T
        d[np.abs(d) < _GRAZING] = _GRAZING
        enter = np.empty((len(d), len(directions)))
        enter[self.ball] = _enter_ball(s[self.ball], d[self.ball])
        enter[~self.ball] = _enter_cube(s[~self.ball], d[~self.ball])
        enter[~(enter > 0)] = np.inf
        return enter.min(axis=0), enter.argmin(axis=0)

    def seen_from(self, position: Array, points: Array, slack: float) -> NDArray[np.bool_]:
        """Which points (N, 3) nothing hides from a position; slack: share of the way to a point."""
        hit, _ = self.first_hit(position, points - position)
        return hit > 1 - slack


def _enter_ball(s: Array, d: Array) -> Array:
    a, b, c = (d * d).sum(1), (s * d).sum(1), (s * s).sum(1) - 1
    root = b * b - a * c
    return np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / a, np.inf)


def _enter_cube(s: Array, d: Array) -> Array:
    one, other = (-1 - s) / d, (1 - s) / d
    near, far = np.minimum(one, other).max(axis=1), np.maximum(one, other).min(axis=1)
    return np.where(near < far, near, np.inf)


def make_solids(rng: Generator) -> Solids:
    """Things about (0, 0, 1), which a camera at the origin looks at along z (y is down in it).

    Most stand on a ground, which the camera sees at any pitch, some before walls.
    """
    down = _down(rng)
    normal, behind, extent = _slabs(down, rng)
    centre, axes = _things(down, rng)
    ball = rng.random(len(centre)) < rng.choice([0.0, 0.3, 0.7])
    thin = np.column_stack([np.full(len(extent), _THIN), extent, extent])
    return Solids(
        np.concatenate([centre, AIM + (behind[:, None] + _THIN) * normal]),
        np.concatenate([axes, _bases(normal, rng) * thin[:, None]]),
        np.append(ball, np.zeros(len(normal), bool)),
        rng.uniform(0.05, 1, len(centre) + len(normal)) ** 2,
    )


def _down(rng: Generator) -> Array:
    pitch, roll = rng.uniform(-0.2, 1.5), rng.normal(0, 0.12)
    flat = np.cos(pitch)
    return np.array([flat * np.sin(roll), flat * np.cos(roll), np.sin(pitch)])


def _things(down: Array, rng: Generator) -> tuple[Array, Array]:
    """Centres and axes of solids that stand about on a plane, or hang in a cloud."""
    count, spread, largest = int(rng.integers(2, 13)), rng.uniform(0.2, 0.8), rng.uniform(0.1, 0.5)
    size = largest * rng.uniform(0.15, 1, (count, 3))
    offset = rng.normal(0, spread, (count, 3))
    if rng.random() < 0.3:
        return AIM + offset, _bases(rng.normal(size=(count, 3)), rng) * size[:, None]
    above = offset @ down + size[:, 0] - rng.uniform(0, 0.3, count)
    return (
        AIM + offset - above[:, None] * down,
        _bases(np.tile(down, (count, 1)), rng) * size[:, None],
    )


def _slabs(down: Array, rng: Generator) -> tuple[Array, Array, Array]:
    """Normals (S, 3), how far behind AIM and half how wide (S,) the ground and walls are."""
    if rng.random() < 0.15:
        return np.zeros((0, 3)), np.zeros(0), np.zeros(0)
    walls = rng.choice(3, p=[0.5, 0.35, 0.15])
    level = rng.normal(size=(walls, 3))
    level -= (level @ down)[:, None] * down
    level *= np.where(level[:, 2:] < 0, -1, 1) / np.linalg.norm(level, axis=1, keepdims=True)
    return (
        np.concatenate([down[None], level]),
        np.append(rng.uniform(0, 0.3), rng.uniform(0.2, 2.5, walls)),
        rng.uniform(0.5, 4, 1 + walls),
    )


def _bases(first: Array, rng: Generator) -> Array:
    """Orthonormal columns (K, 3, 3), the first along `first` (K, 3), the others anyhow."""
    others = rng.normal(size=(len(first), 3, 2))
    Q: Array = np.linalg.qr(np.concatenate([first[:, :, None], others], axis=2))[0]
    return Q
