"""Poses on their way from proposers to the gate, each remembering who proposed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import rotation_angle


@dataclass(frozen=True, eq=False)
class Candidates:
    """T_map_camera: (P, 4, 4) in the recentred map. names: of proposers. by: (P,) which of them
    each row is of, where the poses are: they are chosen among without waiting for a GPU.
    """

    T_map_camera: Tensor
    names: tuple[str, ...]
    by: Tensor

    @classmethod
    def of(cls, T_map_camera: Tensor, proposer: str) -> Candidates:
        by = torch.zeros(len(T_map_camera), dtype=torch.long, device=T_map_camera.device)
        return cls(T_map_camera, (proposer,), by)

    @classmethod
    def joined(cls, parts: Sequence[Candidates]) -> Candidates:
        names = tuple(dict.fromkeys(name for part in parts for name in part.names))
        by = [_renamed(part, names) for part in parts]
        return cls(torch.cat([part.T_map_camera for part in parts]), names, torch.cat(by))

    @property
    def proposer(self) -> list[str]:
        """The name behind each row; waits for a GPU."""
        return [self.names[name] for name in self.by.tolist()]

    def __len__(self) -> int:
        return len(self.by)

    def select(self, rows: Tensor) -> Candidates:
        return replace(self, T_map_camera=self.T_map_camera[rows], by=self.by[rows])

    def at(self, T_map_camera: Tensor) -> Candidates:
        """The same, moved to other poses (P, 4, 4)."""
        return replace(self, T_map_camera=T_map_camera)


def _renamed(part: Candidates, names: tuple[str, ...]) -> Tensor:
    """Its rows' proposers as places in other names."""
    if part.names == names[: len(part.names)]:
        return part.by
    places = [names.index(name) for name in part.names]
    return torch.tensor(places, device=part.by.device)[part.by]


def apart(T_map_camera: Tensor, T_other: Tensor) -> tuple[Tensor, Tensor]:
    """Distance (P,) in metres and angle (P,) in radians of poses (P, 4, 4) from one (4, 4)."""
    distance = (T_map_camera[:, :3, 3] - T_other[:3, 3]).norm(dim=1)
    R_other = T_other[:3, :3].expand(len(T_map_camera), 3, 3)
    return distance, rotation_angle(T_map_camera[:, :3, :3], R_other)


def apart_each(T_a: Tensor, T_b: Tensor) -> tuple[Tensor, Tensor]:
    """Distances (P,) in metres and angles (P,) in radians of poses (P, 4, 4), row by row."""
    distance = (T_a[:, :3, 3] - T_b[:, :3, 3]).norm(dim=1)
    return distance, rotation_angle(T_a[:, :3, :3], T_b[:, :3, :3])
