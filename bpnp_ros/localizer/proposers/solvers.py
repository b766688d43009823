"""The minimal problems that `minimal_sets` enumerates, one for each thing that may be known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.motion import FREE, ROTATION
from bpnp_ros.map_model.open_space import OpenSpace
from bpnp_ros.pnp.p3p import p3p
from bpnp_ros.pnp.upright import upright_two_points

TILT_STEP = 0.05  # radians between the tilts that are tried
UNTRIED_TILT = 0.03  # radians that refinement makes good
MOST_FOR_THREE = 40  # landmarks of which all triples are tried
MOST_PROBLEMS = 4_000_000  # for one pair of keypoints
SAME_ANGLE = 0.004  # radians between two keypoints and two landmarks at infinity


class Solver(Protocol):
    """size: keypoints in a set. slack: how far, on z = 1, a true pose may miss other keypoints.
    problems: solved for one set. extent: of the landmarks, metres."""

    size: int
    slack: float
    problems: int
    extent: float

    def poses(self, bearings: Tensor) -> Tensor:
        """T_map_camera (H, 4, 4) of unit bearings (size, 3) with every set of landmarks."""


def is_enumerable(model: MapModel) -> bool:
    """Whether minimal sets of a map are tried one and all: then no view need be sampled."""
    return isinstance(model.view_space, OpenSpace) and _kind(model.view_space) is not None


def make_solver(model: MapModel) -> Solver | None:
    """The solver for a map's motion; None where enumeration is out of reach."""
    space = model.view_space
    if not isinstance(space, OpenSpace):
        return None
    kind = _kind(space)
    return None if kind is None else kind(space)


def _kind(space: OpenSpace) -> Callable[[OpenSpace], Solver] | None:
    if space.motion.kind == ROTATION:
        return TwoDirections
    tilts = len(_tilts(space.tilt)) if space.motion.knows_up else 0
    if 0 < tilts * len(space.points) ** 2 <= MOST_PROBLEMS:
        return UprightTwoPoints
    if space.motion.kind == FREE and len(space.points) <= MOST_FOR_THREE:
        return ThreePoints
    return None


class UprightTwoPoints:
    """All ordered pairs of landmarks; where tilt is not known well, for a grid of tilts."""

    size = 2

    def __init__(self, space: OpenSpace) -> None:
        motion = space.motion
        self._R_map_level = torch.from_numpy(motion.R_map_level).to(space.points)
        self._points = space.points @ self._R_map_level
        self._pairs = _ordered_pairs(len(space.points), space.device)
        R_level_camera = torch.from_numpy(motion.R_level_camera).to(space.points)
        self._held = _tilts(motion.tilt).to(space.points) @ R_level_camera
        self.slack = 0.4 * min(motion.tilt, TILT_STEP)
        self.problems = len(self._held) * self._pairs.shape[1]
        self.extent = space.extent

    def poses(self, bearings: Tensor) -> Tensor:
        P_a, P_b = self._points[self._pairs[0]], self._points[self._pairs[1]]
        found = [self._held_so(R, bearings, P_a, P_b) for R in self._held]
        return torch.cat(found)

    def _held_so(
        self, R_level_camera: Tensor, bearings: Tensor, P_a: Tensor, P_b: Tensor
    ) -> Tensor:
        f_a, f_b = (bearings @ R_level_camera.T)[:, None].expand(2, len(P_a), 3)
        T, good = upright_two_points(f_a, f_b, P_a, P_b)
        T = T[good]
        R = self._R_map_level @ T[:, :3, :3] @ R_level_camera
        return make_transform(R, T[:, :3, 3] @ self._R_map_level.T)


class TwoDirections:
    """Pairs of landmarks at infinity that are as far apart as the keypoints."""

    size = 2
    slack = 0.0

    def __init__(self, space: OpenSpace) -> None:
        self._directions = torch.nn.functional.normalize(space.points, dim=1)
        self._pairs, self._angle = _close_pairs(self._directions)
        self.problems = len(self._angle)
        self.extent = 1.0

    def poses(self, bearings: Tensor) -> Tensor:
        angle = torch.linalg.cross(bearings[0], bearings[1]).norm().asin()
        low = torch.searchsorted(self._angle, angle - SAME_ANGLE)
        high = torch.searchsorted(self._angle, angle + SAME_ANGLE)
        pairs = self._pairs[:, low:high]
        pairs = torch.cat([pairs, pairs.flip(0)], dim=1)
        camera = _triad(bearings[0], bearings[1])
        R = _triad(self._directions[pairs[0]], self._directions[pairs[1]]) @ camera.T
        return make_transform(R, torch.zeros_like(R[:, :, 0]))


class ThreePoints:
    """All ordered triples of landmarks."""

    size = 3
    slack = 0.0

    def __init__(self, space: OpenSpace) -> None:
        rows = torch.arange(len(space.points), device=space.device)
        triples = torch.cartesian_prod(rows, rows, rows)
        a, b, c = triples.unbind(1)
        self._corners = space.points[triples[(a != b) & (b != c) & (a != c)]]
        self.problems = len(self._corners)
        self.extent = space.extent

    def poses(self, bearings: Tensor) -> Tensor:
        return p3p(bearings.expand_as(self._corners), self._corners)


def _ordered_pairs(count: int, device: torch.device) -> Tensor:
    rows = torch.arange(count, device=device)
    a, b = torch.cartesian_prod(rows, rows).T
    return torch.stack([a[a != b], b[a != b]])


def _close_pairs(directions: Tensor, widest: float = 0.5) -> tuple[Tensor, Tensor]:
    """Pairs (2, K) of directions up to `widest` radians apart, and their angles, ascending."""
    chord = torch.cdist(directions, directions)
    a, b = torch.triu(chord < widest, diagonal=1).nonzero().T
    angle, order = (2 * (0.5 * chord[a, b]).asin()).sort()
    return torch.stack([a, b])[:, order], angle


def _triad(a: Tensor, b: Tensor) -> Tensor:
    """Right-handed axes (..., 3, 3), as columns, from two directions (..., 3)."""
    x = torch.nn.functional.normalize(a + b, dim=-1)
    z = torch.nn.functional.normalize(torch.linalg.cross(a, b), dim=-1)
    return torch.stack([x, torch.linalg.cross(z, x), z], dim=-1)


def _tilts(largest: float) -> Tensor:
    """Turns (K, 3, 3) by pitch and roll that leave no tilt further than a step away."""
    if largest <= UNTRIED_TILT:
        return torch.eye(3)[None]
    steps = max(round(largest / TILT_STEP - 0.5), 1)
    angle = TILT_STEP * torch.arange(-steps, steps + 1)
    pitch, roll = torch.cartesian_prod(angle, angle).T
    turn = torch.stack([roll, pitch, torch.zeros_like(pitch)], dim=1)
    return so3_exp(turn)
