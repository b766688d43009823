"""A map in which nothing hides anything: lamps, cones, reflectors, tags, stars.

The other view space, `ViewSpace`, stores what is seen from many places. Few landmarks hide nothing,
and are seen from wherever they are in range.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import matrix_from_quaternion
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.map_model.motion import FREE, ROTATION, Motion
from bpnp_ros.map_model.view_space import MOST_ALIKE, camera_orientation, is_upright

MARGIN = 0.005  # of the map's extent: by how much a height may miss its limits


@dataclass(frozen=True, eq=False)
class OpenSpace:
    """points, chance: (N, 3) in the recentred map, (N,) of being detected. motion: how the camera
    is held. heights: of the camera along up, in the recentred map. range: metres, or infinity."""

    points: Tensor
    chance: Tensor
    motion: Motion
    heights: tuple[float, float]
    range: float = math.inf

    @property
    def device(self) -> torch.device:
        return self.points.device

    @property
    def held(self) -> Motion:
        return self.motion

    @property
    def tilt(self) -> float:
        return self.motion.tilt

    @property
    def size(self) -> int:
        """Entries of the table of what is seen."""
        return len(self.points)

    def to(self, device: torch.device) -> OpenSpace:
        points, chance = self.points.to(device), self.chance.to(device)
        return OpenSpace(points, chance, self.motion, self.heights, self.range)

    @property
    def extent(self) -> float:
        """Diagonal of the landmarks' bounding box, metres."""
        return float((self.points.amax(dim=0) - self.points.amin(dim=0)).norm())

    def seen_from(self, T_map_camera: Tensor) -> tuple[Tensor, Tensor]:
        """Points seen from poses (P, 4, 4), field of view aside: indices and chances (P, N)."""
        P, N = len(T_map_camera), len(self.points)
        rows = torch.arange(N, device=self.device).expand(P, N)
        chance = self.chance.expand(P, N)
        if math.isfinite(self.range):
            near = torch.cdist(T_map_camera[:, :3, 3], self.points) < self.range
            chance = chance * near
        return rows, chance

    def alike(self, T_map_camera: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Poses (P, 4, 4) in parts: rows (G,) of poses, points (N,), and chances (G, N)."""
        for rows in torch.arange(len(T_map_camera), device=self.device).split(MOST_ALIKE):
            points, chance = self.seen_from(T_map_camera[rows])
            yield rows, points[0], chance

    def height(self, position: Tensor) -> Tensor:
        """Coordinates of positions (..., 3) along up, in the recentred map."""
        return position @ torch.from_numpy(self.motion.up).to(position)

    def holds(self, T_map_camera: Tensor) -> Tensor:
        """Whether a camera can be at poses (P, 4, 4), some slack allowed -> (P,) bool."""
        if not self.motion.knows_up:
            return torch.ones(len(T_map_camera), dtype=torch.bool, device=self.device)
        return is_upright(T_map_camera, self.motion) & self._within_heights(T_map_camera)

    def _within_heights(self, T_map_camera: Tensor) -> Tensor:
        height, slack = self.height(T_map_camera[:, :3, 3]), MARGIN * self.extent
        low, high = self.heights
        return (height > low - slack) & (height < high + slack)

    def objection(self, T_map_camera: Tensor) -> str:
        """Why no camera can be at a pose (4, 4), for people; empty where one can."""
        if not self.motion.knows_up:
            return ""
        if not bool(is_upright(T_map_camera[None], self.motion)[0]):
            return f"tilted, which camera_tilt {self.tilt:g} rad and camera_mounting do not allow"
        if not bool(self._within_heights(T_map_camera[None])[0]):
            return "at a height that camera_height_min and camera_height_max do not allow"
        return ""

    def sample(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Random poses -> T_map_camera (count, 4, 4), and as many zeros."""
        R = self._orientation(count, generator)
        low, high = self.points.amin(dim=0), self.points.amax(dim=0)
        position = low + (high - low) * torch.rand(count, 3, generator=generator).to(low)
        if self.motion.kind == ROTATION:
            position = torch.zeros_like(position)
        elif self.motion.knows_up:
            bottom, top = self.heights
            wanted = bottom + (top - bottom) * torch.rand(count, generator=generator).to(low)
            up = torch.from_numpy(self.motion.up).to(low)
            position = position + (wanted - self.height(position))[:, None] * up
        nowhere = torch.zeros(count, dtype=torch.long, device=self.device)
        return make_transform(R, position), nowhere

    def _orientation(self, count: int, generator: torch.Generator) -> Tensor:
        if self.motion.kind in (FREE, ROTATION):
            quaternion = torch.randn(count, 4, generator=generator)
            return matrix_from_quaternion(quaternion).to(self.points)
        turns = torch.rand(count, 3, generator=generator) * 2 - 1
        turns = turns * turns.new_tensor([torch.pi, self.tilt, self.tilt])
        return camera_orientation(turns.to(self.points), self.motion)
