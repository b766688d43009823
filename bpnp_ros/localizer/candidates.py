"""Poses on their way from proposers to the gate, each remembering who proposed it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import rotation_angle
from bpnp_ros.localizer.compiled.inputs import distinct_rows, is_installed


@dataclass(frozen=True, eq=False)
class Candidates:
    """T_map_camera: (P, 4, 4) in the recentred map. proposer: the name behind each row."""

    T_map_camera: Tensor
    proposer: list[str]

    @classmethod
    def of(cls, T_map_camera: Tensor, proposer: str) -> Candidates:
        return cls(T_map_camera, [proposer] * len(T_map_camera))

    @classmethod
    def joined(cls, parts: Sequence[Candidates]) -> Candidates:
        names = [name for part in parts for name in part.proposer]
        return cls(torch.cat([part.T_map_camera for part in parts]), names)

    def __len__(self) -> int:
        return len(self.proposer)

    def select(self, rows: Tensor) -> Candidates:
        return Candidates(self.T_map_camera[rows], [self.proposer[row] for row in rows.tolist()])


def distinct(T_map_camera: Tensor, distance: float, angle: float, most: int) -> Tensor:
    """Rows (K,) of poses (P, 4, 4), the best first, at most so many: none is near a better one of
    them, in metres and in radians."""
    if T_map_camera.device.type == "cpu" and is_installed():
        return distinct_rows(T_map_camera, distance, angle, most)
    return distinct_in_tensors(T_map_camera, distance, angle, most)


def distinct_in_tensors(T_map_camera: Tensor, distance: float, angle: float, most: int) -> Tensor:
    """As `distinct`."""
    position, turn = T_map_camera[:, :3, 3], T_map_camera[:, :3, :3].flatten(1)
    left, kept = torch.ones_like(position[:, 0], dtype=torch.bool), list[int]()
    while len(kept) < most and left.any():
        best = int(left.to(torch.uint8).argmax())
        kept.append(best)
        cosine = (turn @ turn[best] - 1) / 2
        far = (position - position[best]).norm(dim=1) > distance
        left &= far | (cosine < math.cos(angle))
        left[best] = False
    return torch.tensor(kept, dtype=torch.long, device=left.device)


def apart(T_map_camera: Tensor, T_other: Tensor) -> tuple[Tensor, Tensor]:
    """Distance (P,) in metres and angle (P,) in radians of poses (P, 4, 4) from one (4, 4)."""
    distance = (T_map_camera[:, :3, 3] - T_other[:3, 3]).norm(dim=1)
    R_other = T_other[:3, :3].expand(len(T_map_camera), 3, 3)
    return distance, rotation_angle(T_map_camera[:, :3, :3], R_other)


def apart_each(T_a: Tensor, T_b: Tensor) -> tuple[Tensor, Tensor]:
    """Distances (P,) in metres and angles (P,) in radians of poses (P, 4, 4), row by row."""
    distance = (T_a[:, :3, 3] - T_b[:, :3, 3]).norm(dim=1)
    return distance, rotation_angle(T_a[:, :3, :3], T_b[:, :3, :3])
