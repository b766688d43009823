"""Which of many poses are places of their own: none of those that are kept is near a better one."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bpnp_ros.localizer.compiled.inputs import distinct_rows, is_installed


def distinct(T_map_camera: Tensor, distance: float, angle: float, most: int) -> Tensor:
    """Rows (K,) of poses (P, 4, 4), the best first, at most so many: none is near a better one of
    them, in metres and in radians."""
    if T_map_camera.device.type == "cpu" and is_installed():
        return distinct_rows(T_map_camera, distance, angle, most)
    return distinct_in_tensors(T_map_camera, distance, angle, most)


def distinct_in_tensors(T_map_camera: Tensor, distance: float, angle: float, most: int) -> Tensor:
    """As `distinct`."""
    return are_distinct(T_map_camera, distance, angle, most).nonzero()[:, 0]


def are_distinct(T_map_camera: Tensor, distance: float, angle: float, most: int) -> Tensor:
    """Which (P,) `distinct` keeps; nothing waits for a GPU."""
    position, turn = T_map_camera[:, :3, 3], T_map_camera[:, :3, :3].flatten(1)
    rows = torch.arange(len(turn), device=turn.device)
    left, kept = torch.ones_like(rows, dtype=torch.bool), torch.zeros_like(rows, dtype=torch.bool)
    for _ in range(min(most, len(rows))):
        best = left.to(torch.uint8).argmax(dim=0, keepdim=True)
        picked = (rows == best) & left  # none where none is left
        cosine = (turn @ turn[best][0] - 1) / 2
        far = (position - position[best]).norm(dim=1) > distance
        left = left & ~picked & (far | (cosine < math.cos(angle)))
        kept = kept | picked
    return kept
