"""The objective of weighted blind PnP, reduced from all pairs to one mean bearing per map point.

The paper minimises sum_ij W_ij (1 - f_i . n_j), with f_i the bearing of keypoint i and n_j the
direction of R p_j + t (section 3.3). It is linear in the bearings, so that with the mean bearing
g_j = sum_i W_ij f_i of length k_j it is, but for a constant,

    sum_j k_j (1 - g_j / k_j . n_j)  =  1/2 sum_j k_j |n_j - g_j / k_j|^2,

N terms instead of M N, the last form without cancellation near the optimum. Derivatives are closed
forms, by a small motion in the camera's axes: a turn w and a shift v, q -> exp(w) q + v.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import skew


class BearingProblem(NamedTuple):
    """B problems, float64; coordinates come before points, which is faster."""

    points: Tensor
    """(B, 4, N) map points and a 1."""
    bearing: Tensor
    """(B, 3, N) unit mean bearing of each map point."""
    weight: Tensor
    """(B, N) length of the mean bearing before it was made a unit vector."""


class Expansion(NamedTuple):
    """The objective about a pose, to second order in a motion (w, v), camera axes."""

    value: Tensor
    """(B,), zero for a perfect fit."""
    gradient: Tensor
    """(B, 6)"""
    hessian: Tensor
    """(B, 6, 6)"""
    nearness: Tensor
    """(B,), the weighted sum of 1 / distance^2: how much a shift counts beside a turn."""


def bearings(p2d: Tensor) -> Tensor:
    """Unit vectors (..., 3) towards points (..., 2) of the z = 1 plane."""
    ones = torch.ones_like(p2d[..., :1])
    return torch.nn.functional.normalize(torch.cat([p2d, ones], dim=-1), dim=-1)


def finite_bearings(p2d: Tensor) -> Tensor:
    """Bearings (..., 3), and zero for points that are not finite."""
    f = bearings(p2d)
    return f.where(p2d.isfinite().all(-1, keepdim=True), 0)


def reduce_pairs(W: Tensor, p2d: Tensor, p3d: Tensor) -> BearingProblem:
    """Sum pair weights W (B, M, N) over keypoints (B, M, 2); map points are (B, N, 3).

    A coordinate that is not finite does no harm where its point has no weight.
    """
    f = finite_bearings(p2d.double()).to(W.dtype)
    astray = f[..., 2:] == 0
    mean = (torch.cat([f, astray], dim=2).transpose(1, 2) @ W).double()
    mean = mean[:, :3].where(mean[:, 3:] == 0, torch.nan)
    weight = mean.square().sum(1).sqrt()
    points = p3d.double().where(p3d.isfinite() | (weight != 0)[..., None], 0).transpose(1, 2)
    points = torch.cat([points, torch.ones_like(weight)[:, None]], dim=1)
    return BearingProblem(points, mean / weight.clamp_min(1e-300)[:, None], weight)


def value(problem: BearingProblem, pose: Tensor) -> Tensor:
    """The objective (B,) at poses [R t] (B, 3, 4), world-to-camera."""
    n, _ = directions(problem, pose)
    return 0.5 * (problem.weight * (n - problem.bearing).square().sum(1)).sum(1)


def expansion(problem: BearingProblem, pose: Tensor) -> Expansion:
    """Of the objective at poses [R t] (B, 3, 4), world-to-camera.

    With k a weight, g a bearing, n a direction, d a distance and c = g . n, all sums that the
    gradient and the Hessian are made of come out of one product.
    """
    n, near = directions(problem, pose)
    residual = n - problem.bearing
    value = 0.5 * (problem.weight * residual.square_().sum(1)).sum(1)
    kg, square = problem.weight[:, None] * problem.bearing, near.square()
    kc = (kg * n).sum(1, keepdim=True)
    terms = (kg, kg * near, kg * square, kc * square * n, torch.linalg.cross(n, kg, dim=1) * near)
    one = torch.ones_like(kc)
    sums = torch.cat([*terms, kc * near, problem.weight[:, None] * square], dim=1) @ torch.cat(
        [n, one], dim=1
    ).transpose(1, 2)
    gn, gn_square, nn_square = sums[:, :3, :3], sums[:, 6:9, :3], sums[:, 9:12, :3]
    turn, shift = _axis(gn), sums[:, 15, :3] - sums[:, 3:6, 3]

    H = sums.new_zeros(len(sums), 6, 6)
    H[:, :3, :3] = _spread(gn) - 0.5 * (gn + gn.transpose(1, 2))
    H[:, 3:, 3:] = _spread(gn_square) + gn_square + gn_square.transpose(1, 2) - 3 * nn_square
    H[:, :3, 3:] = sums[:, 12:15, :3] + skew(sums[:, 15, :3])
    H[:, 3:, :3] = H[:, :3, 3:].transpose(1, 2)
    return Expansion(value, torch.cat([turn, shift], dim=1), H, sums[:, 16, 3])


def direction_jacobian(problem: BearingProblem, pose: Tensor) -> Tensor:
    """Derivative of each map point's direction by a motion (w, v), (B, N, 3, 6)."""
    n, near = (x.transpose(1, 2) for x in directions(problem, pose))
    identity = torch.eye(3, dtype=n.dtype, device=n.device)
    across = identity - n[..., :, None] * n[..., None, :]
    return torch.cat([-skew(n), across * near[..., None]], dim=3)


def directions(problem: BearingProblem, pose: Tensor) -> tuple[Tensor, Tensor]:
    """Where the camera sees the map points, (B, 3, N), and 1 / distance (B, 1, N)."""
    q = pose @ problem.points
    near = q.square().sum(1, keepdim=True).clamp_min_(1e-24).rsqrt_()
    return q.mul_(near), near


def _spread(matrix: Tensor) -> Tensor:
    """The trace of matrices (B, 3, 3) times the identity."""
    trace = matrix.diagonal(dim1=1, dim2=2).sum(1)
    return torch.diag_embed(trace[:, None].expand(-1, 3))


def _axis(matrix: Tensor) -> Tensor:
    """The sum of g x n, (B, 3), out of that of g n^T (B, 3, 3)."""
    other = matrix - matrix.transpose(1, 2)
    return torch.stack([other[:, 1, 2], other[:, 2, 0], other[:, 0, 1]], dim=1)
