"""Pose from two points when up is known: x, y, z and heading in closed form, in large batches.

With bearings f in axes whose z is up, P_a = t + s_a R f_a and P_b = t + s_b R f_b, R a turn about
z. Their difference fixes both distances: its vertical part is linear in them, its horizontal length
quadratic. (Kukelova, Bujnak, Pajdla: Closed-form solutions to minimal absolute pose problems with
known vertical direction, ACCV 2010.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.geometry.transform import make_transform

FLATTEST = 0.01  # sine of the elevation; two bearings below it leave the distances open


def upright_two_points(f_a: Tensor, f_b: Tensor, P_a: Tensor, P_b: Tensor) -> tuple[Tensor, Tensor]:
    """Poses from H pairs of unit bearings and points, (H, 3) each, all in axes whose z is up.

    Returns T_level_heading (2, H, 4, 4) and whether each is a solution in front of both, (2, H).
    """
    swap = f_a[:, 2].abs() > f_b[:, 2].abs()  # divide by the steeper of the two
    f_1, f_2 = _swapped(f_a, f_b, swap)
    P_1, P_2 = _swapped(P_a, P_b, swap)
    dP = P_2 - P_1
    safe = torch.where(f_2[:, 2].abs() > FLATTEST, f_2[:, 2], torch.full_like(f_2[:, 2], FLATTEST))
    slope, offset = f_1[:, 2] / safe, dP[:, 2] / safe  # s_2 = offset + slope s_1
    e = slope[:, None] * f_2[:, :2] - f_1[:, :2]
    a = (e * e).sum(-1).clamp_min(1e-12)
    b = offset * (e * f_2[:, :2]).sum(-1)
    c = offset.square() * f_2[:, :2].square().sum(-1) - dP[:, :2].square().sum(-1)
    discriminant = b * b - a * c
    root = discriminant.clamp_min(0).sqrt()
    s_1 = torch.stack([(-b + root) / a, (-b - root) / a])
    s_2 = offset + slope * s_1
    good = (discriminant > 0) & (s_1 > 0) & (s_2 > 0) & (f_2[:, 2].abs() > FLATTEST)
    seen = s_2[..., None] * f_2 - s_1[..., None] * f_1
    heading = torch.atan2(dP[:, 1], dP[:, 0]) - torch.atan2(seen[..., 1], seen[..., 0])
    R = about_z(heading)
    t = P_1 - s_1[..., None] * (R @ f_1[..., None])[..., 0]
    return make_transform(R, t), good


def about_z(angle: Tensor) -> Tensor:
    """Rotations about z by angles (...) -> (..., 3, 3)."""
    c, s = angle.cos(), angle.sin()
    zero, one = torch.zeros_like(c), torch.ones_like(c)
    return torch.stack([c, -s, zero, s, c, zero, zero, zero, one], -1).reshape(*c.shape, 3, 3)


def _swapped(a: Tensor, b: Tensor, swap: Tensor) -> tuple[Tensor, Tensor]:
    return torch.where(swap[:, None], b, a), torch.where(swap[:, None], a, b)
