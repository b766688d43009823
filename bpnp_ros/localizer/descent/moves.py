"""How far poses are moved when others are tried around them, in the camera's frame."""

from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform


def all_ways(offset: Tensor, depth: float) -> Tensor:
    """Moves (P, 4, 4) by three depths and three radians, (P, 6)."""
    return make_transform(so3_exp(offset[:, 3:]), offset[:, :3] * depth)


def sidesteps(offset: Tensor, depth: float) -> Tensor:
    """Moves (P, 4, 4) that change an image little for their size, (P, 6): three radians about a
    point `depth` metres ahead, two of aim, and depths along the optical axis. There half-way optima
    lie of a camera that looks at a thing.
    """
    turn = so3_exp(offset[:, :3])
    centre = offset.new_tensor([0.0, 0.0, depth])
    orbit = make_transform(turn, centre - turn @ centre)
    aim, ahead = torch.zeros(2, len(offset), 3).to(offset)
    aim[:, :2] = offset[:, 3:5]
    ahead[:, 2] = depth * offset[:, 5]
    return orbit @ make_transform(so3_exp(aim), ahead)
