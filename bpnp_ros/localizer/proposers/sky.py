"""Rotations from pairs of landmarks at infinity, as star trackers find them.

Two keypoints are as far apart as two landmarks: the pairs are sorted by angle. Thousands of
landmarks make thousands of such pairs; a hash of the directions tells which of their rotations
carry other keypoints onto landmarks, too.
"""

from __future__ import annotations

import math
from itertools import product

import torch
from torch import Tensor

from bpnp_ros.geometry.transform import make_transform

WIDEST = 1.0  # radians between two landmarks of a pair
MOST_PAIRS = 4_000_000
SIGMAS = 4.0  # by which the angle between keypoints may miss that between landmarks
LEAST_TOLERANCE = 1e-3  # radians
FEW_ROTATIONS = 4  # of a pair of keypoints, which carry most of the others onto landmarks
_FIRST, _SIFTED = 5, 2048  # bearings that all rotations are held against; those that go on
_ROWS = 1024


class TwoDirections:
    """Pairs of directions (N, 3) that are as far apart as the keypoints."""

    size = 2
    slack = 0.0
    extent = 1.0
    parts = 1

    def __init__(self, directions: Tensor) -> None:
        self._directions = directions
        self._pairs, self._angle = _close_pairs(directions)
        self._hash: DirectionHash | None = None

    def poses(self, bearings: Tensor, rows: Tensor, sigma: float, part: int) -> Tensor:
        tolerance = max(SIGMAS * sigma, LEAST_TOLERANCE)
        a, b = bearings[rows]
        angle = torch.linalg.cross(a, b).norm().asin()
        low = torch.searchsorted(self._angle, angle - tolerance)
        high = torch.searchsorted(self._angle, angle + tolerance)
        pairs = self._pairs[:, low:high]
        pairs = torch.cat([pairs, pairs.flip(0)], dim=1)
        camera = _triad(a, b)
        R = _triad(self._directions[pairs[0]], self._directions[pairs[1]]) @ camera.T
        R = self._sifted(R, bearings, tolerance)
        return make_transform(R, torch.zeros_like(R[:, :, 0]))

    def _sifted(self, R: Tensor, bearings: Tensor, tolerance: float) -> Tensor:
        """The rotations (H, 3, 3) that carry most bearings onto landmarks."""
        if self._hash is None or self._hash.cell < tolerance:
            self._hash = DirectionHash(self._directions, tolerance)
        for some, kept in ((bearings[:_FIRST], _SIFTED), (bearings, FEW_ROTATIONS)):
            hits = torch.stack([self._hash.holds(R @ bearing) for bearing in some]).sum(dim=0)
            R = R[hits.topk(min(kept, len(R))).indices]
        return R


class DirectionHash:
    """Which directions have one of (N, 3) beside them: cells of a cube grid, and their neighbours.

    cell: its edge, radians.
    """

    def __init__(self, directions: Tensor, cell: float) -> None:
        self.cell = cell
        self._across = math.ceil(1 / cell) + 2
        steps = directions.new_tensor(list(product((-0.5, 0.5), repeat=3))) * cell
        near = (directions[:, None] + steps).flatten(0, 1)
        self._keys = self._key(near).unique()

    def holds(self, directions: Tensor) -> Tensor:
        """(H,) bool for unit vectors (H, 3)."""
        key = self._key(directions)
        at = torch.searchsorted(self._keys, key).clamp_max(len(self._keys) - 1)
        return self._keys[at] == key

    def _key(self, directions: Tensor) -> Tensor:
        x, y, z = (torch.floor(directions / self.cell).long() + self._across).unbind(-1)
        span = 2 * self._across + 1
        return (x * span + y) * span + z


def _close_pairs(directions: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs (2, K) of directions close to each other, and their angles, ascending.

    Of very many directions only the closest pairs, so that they fit in memory.
    """
    widest = min(WIDEST, math.sqrt(8 * MOST_PAIRS) / len(directions))
    pairs, angles = list[Tensor](), list[Tensor]()
    for first in range(0, len(directions), _ROWS):
        chord = torch.cdist(directions[first : first + _ROWS], directions[first:])
        a, b = torch.triu(chord < widest, diagonal=1).nonzero().T
        pairs.append(torch.stack([a, b]) + first)
        angles.append(2 * (0.5 * chord[a, b]).asin())
    angle, order = torch.cat(angles).sort()
    return torch.cat(pairs, dim=1)[:, order], angle


def _triad(a: Tensor, b: Tensor) -> Tensor:
    """Right-handed axes (..., 3, 3), as columns, from two directions (..., 3)."""
    x = torch.nn.functional.normalize(a + b, dim=-1)
    z = torch.nn.functional.normalize(torch.linalg.cross(a, b), dim=-1)
    return torch.stack([x, torch.linalg.cross(z, x), z], dim=-1)
