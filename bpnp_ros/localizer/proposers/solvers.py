"""The minimal problems that `minimal_sets` enumerates, one for each thing that may be known."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.proposers.sky import TwoDirections
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.motion import FREE, ROTATION
from bpnp_ros.map_model.open_space import OpenSpace
from bpnp_ros.pnp.p3p import p3p
from bpnp_ros.pnp.upright import upright_two_points

TILT_STEP = 0.05  # radians between the tilts that are tried
UNTRIED_TILT = 0.03  # radians that refinement makes good
MOST_FOR_THREE = 40  # landmarks of which all triples are tried
MOST_FOR_TWO = 5000
MOST_PROBLEMS = 4_000_000  # for one pair of keypoints


class Solver(Protocol):
    """size: keypoints in a set. slack: how far, on z = 1, a true pose may miss other keypoints.
    extent: of the landmarks, metres. parts: into which the problems of a set are split, those
    that are likelier to hold the truth first."""

    size: int
    slack: float
    extent: float
    parts: int

    def poses(self, bearings: Tensor, rows: Tensor, sigma: float, part: int) -> Tensor:
        """T_map_camera (H, 4, 4) of the unit bearings (K, 3) of `rows` (size,) with every set of
        landmarks. sigma: of a bearing, radians; the other bearings may tell poses apart."""


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
        return _two_directions
    if space.motion.knows_up and len(space.points) <= MOST_FOR_TWO:
        tilts = sum(map(len, _tilts(space.tilt)))
        if tilts * len(_ordered_pairs(space)[0]) <= MOST_PROBLEMS:
            return UprightTwoPoints
    if space.motion.kind == FREE and len(space.points) <= MOST_FOR_THREE:
        return ThreePoints
    return None


def _two_directions(space: OpenSpace) -> Solver:
    return TwoDirections(torch.nn.functional.normalize(space.points, dim=1))


class UprightTwoPoints:
    """All ordered pairs of landmarks; where tilt is not known well, for a grid of tilts."""

    size = 2

    def __init__(self, space: OpenSpace) -> None:
        motion = space.motion
        self._R_map_level = torch.from_numpy(motion.R_map_level).to(space.points)
        self._points = space.points @ self._R_map_level
        self._pairs = _ordered_pairs(space)
        R_level_camera = torch.from_numpy(motion.R_level_camera).to(space.points)
        self._held = [ring.to(space.points) @ R_level_camera for ring in _tilts(motion.tilt)]
        self.slack = 0.4 * min(motion.tilt, TILT_STEP)
        self.extent = space.extent
        self.parts = len(self._held)

    def poses(self, bearings: Tensor, rows: Tensor, sigma: float, part: int) -> Tensor:
        P_a, P_b = self._points[self._pairs[0]], self._points[self._pairs[1]]
        return torch.cat([self._held_so(R, bearings[rows], P_a, P_b) for R in self._held[part]])

    def _held_so(
        self, R_level_camera: Tensor, bearings: Tensor, P_a: Tensor, P_b: Tensor
    ) -> Tensor:
        f_a, f_b = (bearings @ R_level_camera.T)[:, None].expand(2, len(P_a), 3)
        T, good = upright_two_points(f_a, f_b, P_a, P_b)
        T = T[good]
        R = self._R_map_level @ T[:, :3, :3] @ R_level_camera
        return make_transform(R, T[:, :3, 3] @ self._R_map_level.T)


class ThreePoints:
    """All ordered triples of landmarks."""

    size = 3
    slack = 0.0
    parts = 1

    def __init__(self, space: OpenSpace) -> None:
        rows = torch.arange(len(space.points), device=space.device)
        triples = torch.cartesian_prod(rows, rows, rows)
        a, b, c = triples.unbind(1)
        self._corners = space.points[triples[(a != b) & (b != c) & (a != c)]]
        self.extent = space.extent

    def poses(self, bearings: Tensor, rows: Tensor, sigma: float, part: int) -> Tensor:
        return p3p(bearings[rows].expand_as(self._corners), self._corners)[0]


def _ordered_pairs(space: OpenSpace) -> Tensor:
    """Rows (2, K) of landmarks that can be in sight together."""
    apart = torch.cdist(space.points, space.points)
    apart.fill_diagonal_(torch.inf)
    together = apart < 2 * space.range if math.isfinite(space.range) else apart.isfinite()
    return together.nonzero().T


def _tilts(largest: float) -> list[Tensor]:
    """Turns (K, 3, 3) by pitch and roll that leave no tilt further than a step away, by rings
    around none."""
    if largest <= UNTRIED_TILT:
        return [torch.eye(3)[None]]
    steps = max(round(largest / TILT_STEP - 0.5), 1)
    angle = torch.arange(-steps, steps + 1)
    pitch, roll = torch.cartesian_prod(angle, angle).T
    ring = torch.maximum(pitch.abs(), roll.abs())
    turn = so3_exp(TILT_STEP * torch.stack([roll, pitch, torch.zeros_like(pitch)], dim=1).float())
    return [turn[ring == step] for step in range(steps + 1)]
