"""Rigid transforms as (..., 4, 4) torch tensors, and the one bridge to the paper's theta."""

from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp, so3_log


def make_transform(R: Tensor, t: Tensor) -> Tensor:
    """Stack rotation (..., 3, 3) and translation (..., 3) into (..., 4, 4)."""
    top = torch.cat([R, t[..., None]], dim=-1)
    bottom = torch.zeros_like(top[..., :1, :])
    bottom[..., 0, 3] = 1
    return torch.cat([top, bottom], dim=-2)


def invert(T: Tensor) -> Tensor:
    """Inverse of a rigid transform, T_a_b -> T_b_a. (..., 4, 4) -> (..., 4, 4)."""
    R_inverse = T[..., :3, :3].transpose(-1, -2)
    t_inverse = -(R_inverse @ T[..., :3, 3:]).squeeze(-1)
    return make_transform(R_inverse, t_inverse)


def transform_points(T: Tensor, points: Tensor) -> Tensor:
    """Apply T_a_b (..., 4, 4) to points in b (..., N, 3), giving points in a (..., N, 3)."""
    return points @ T[..., :3, :3].transpose(-1, -2) + T[..., None, :3, 3]


def T_map_camera_from_theta(theta: Tensor) -> Tensor:
    """The paper's world-to-camera (angle-axis, t), (..., 6), as T_map_camera (..., 4, 4)."""
    return invert(make_transform(so3_exp(theta[..., :3]), theta[..., 3:]))


def theta_from_T_map_camera(T_map_camera: Tensor) -> Tensor:
    """T_map_camera (..., 4, 4) as the paper's world-to-camera (angle-axis, t), (..., 6)."""
    T_camera_map = invert(T_map_camera)
    return torch.cat([so3_log(T_camera_map[..., :3, :3]), T_camera_map[..., :3, 3]], dim=-1)
