"""Rotations as batched torch tensors: angle-axis vectors, matrices, quaternions (x, y, z, w)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_SMALL_ANGLE_SQUARED = 1e-8
_TINY = 1e-30  # half a turn: the gradient of the root stays finite


def skew(v: Tensor) -> Tensor:
    """Cross-product matrix: skew(v) @ w = v x w. Shape (..., 3) -> (..., 3, 3)."""
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    rows = (zero, -z, y, z, zero, -x, -y, x, zero)
    return torch.stack(rows, dim=-1).reshape(*v.shape, 3)


def so3_exp(r: Tensor) -> Tensor:
    """Rodrigues' formula, differentiable everywhere. Angle-axis (..., 3) rad -> (..., 3, 3)."""
    angle_squared = (r * r).sum(-1)[..., None, None]
    small = angle_squared < _SMALL_ANGLE_SQUARED
    safe = torch.where(small, torch.ones_like(angle_squared), angle_squared)
    angle = safe.sqrt()
    sinc = torch.where(small, 1 - angle_squared / 6, angle.sin() / angle)
    # 2 sin^2(a/2) instead of 1 - cos(a), which cancels
    half_chord = torch.where(
        small, 0.5 - angle_squared / 24, 2 * (0.5 * angle).sin().square() / safe
    )
    K = skew(r)
    identity = torch.eye(3, dtype=r.dtype, device=r.device).expand_as(K)
    return identity + sinc * K + half_chord * (K @ K)


def so3_log(R: Tensor) -> Tensor:
    """Angle-axis of a rotation, angle in [0, pi]. Matrix (..., 3, 3) -> (..., 3) rad."""
    q = quaternion_from_matrix(R)
    q = torch.where(q[..., 3:] < 0, -q, q)
    sine = q[..., :3].norm(dim=-1, keepdim=True)
    angle = 2 * torch.atan2(sine, q[..., 3:])
    scale = torch.where(sine < 1e-12, torch.full_like(sine, 2.0), angle / sine.clamp_min(1e-12))
    return scale * q[..., :3]


def angle_axes(R: NDArray[np.float64]) -> NDArray[np.float64]:
    """`so3_log` in NumPy, where tensors take ten times as long: (P, 3, 3) -> (P, 3) rad."""
    trace = np.trace(R, axis1=1, axis2=2)
    # of the unit quaternion (x, y, z, w), four times the products of its numbers
    products = np.empty((len(R), 4, 4))
    products[:, :3, :3] = R + R.transpose(0, 2, 1)
    products[:, range(3), range(3)] += (1 - trace)[:, None]
    products[:, 3, :3] = (R.transpose(0, 2, 1) - R)[:, (1, 2, 0), (2, 0, 1)]
    products[:, :3, 3] = products[:, 3, :3]
    products[:, 3, 3] = 1 + trace
    largest = products.diagonal(axis1=1, axis2=2).argmax(axis=1)
    q = products[np.arange(len(R)), largest]
    q *= np.copysign(1 / np.linalg.norm(q, axis=1), q[:, 3])[:, None]
    sine = np.linalg.norm(q[:, :3], axis=1)
    angle = 2 * np.arctan2(sine, q[:, 3])
    scale = np.divide(angle, sine, out=np.full(len(R), 2.0), where=sine > 1e-12)
    return scale[:, None] * q[:, :3]


def left_jacobian_inverse(r: Tensor) -> Tensor:
    """Derivative of so3_log(so3_exp(w) so3_exp(r)) by w at 0. Angle-axis (..., 3) -> (..., 3, 3).

    Not finite at an angle of a full turn, where there is none.
    """
    angle_squared = (r * r).sum(-1)[..., None, None]
    small = angle_squared < _SMALL_ANGLE_SQUARED
    safe = torch.where(small, torch.ones_like(angle_squared), angle_squared)
    half = 0.5 * safe.sqrt()
    bend = torch.where(small, 1 / 12 + angle_squared / 720, (1 - half / half.tan()) / safe)
    K = skew(r)
    identity = torch.eye(3, dtype=r.dtype, device=r.device).expand_as(K)
    return identity - 0.5 * K + bend * (K @ K)


def rotation_angle(R_a: Tensor, R_b: Tensor) -> Tensor:
    """Angle between two rotations, accurate near zero. (..., 3, 3) twice -> (...) rad."""
    sine = (R_a - R_b).flatten(-2).norm(dim=-1) / 8**0.5  # of half the angle
    cosine = (0.25 + 0.25 * (R_a * R_b).sum(dim=(-2, -1))).clamp_min(_TINY).sqrt()
    return 2 * torch.atan2(sine, cosine)


def quaternion_from_matrix(R: Tensor) -> Tensor:
    """Unit quaternion (x, y, z, w) of a rotation matrix. (..., 3, 3) -> (..., 4).

    Each of the four classic formulas is computed; the one with the largest divisor is taken.
    """
    m00, m11, m22 = R[..., 0, 0], R[..., 1, 1], R[..., 2, 2]
    squares = torch.stack(
        [1 + m00 - m11 - m22, 1 - m00 + m11 - m22, 1 - m00 - m11 + m22, 1 + m00 + m11 + m22], -1
    )
    sums = R + R.transpose(-1, -2)
    differences = R - R.transpose(-1, -2)
    x = differences[..., 2, 1]
    y = differences[..., 0, 2]
    z = differences[..., 1, 0]
    xy, xz, yz = sums[..., 0, 1], sums[..., 0, 2], sums[..., 1, 2]
    candidates = torch.stack(
        [
            torch.stack([squares[..., 0], xy, xz, x], -1),
            torch.stack([xy, squares[..., 1], yz, y], -1),
            torch.stack([xz, yz, squares[..., 2], z], -1),
            torch.stack([x, y, z, squares[..., 3]], -1),
        ],
        -2,
    )
    best = squares.argmax(-1)[..., None, None].expand(*squares.shape[:-1], 1, 4)
    return torch.nn.functional.normalize(candidates.gather(-2, best).squeeze(-2), dim=-1)


def matrix_from_quaternion(q: Tensor) -> Tensor:
    """Rotation matrix of a quaternion (x, y, z, w), normalised first. (..., 4) -> (..., 3, 3)."""
    q = torch.nn.functional.normalize(q, dim=-1)
    v, w = q[..., :3], q[..., 3:, None]
    K = skew(v)
    identity = torch.eye(3, dtype=q.dtype, device=q.device).expand_as(K)
    return identity + 2 * (w * K + K @ K)
