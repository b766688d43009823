"""The objective of weighted blind PnP, reduced from all pairs to one mean bearing per map point.

The paper minimises sum_ij W_ij (1 - f_i . n_j), with f_i the bearing of keypoint i and n_j the
direction of R p_j + t (section 3.3). It is linear in the bearings, so that with the mean bearing
g_j = sum_i W_ij f_i of length k_j it is, but for a constant,

    sum_j k_j (1 - g_j / k_j . n_j)  =  1/2 sum_j k_j |n_j - g_j / k_j|^2,

N terms instead of M N, the last form without cancellation near the optimum. Gradient and Hessian
are closed forms.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.pnp.rotation_derivatives import first_derivative, second_derivative


class BearingProblem(NamedTuple):
    """B problems, float64. theta is the paper's world-to-camera (angle-axis, t)."""

    points: Tensor
    """(B, N, 3) map points."""
    bearing: Tensor
    """(B, N, 3) unit mean bearing of each map point."""
    weight: Tensor
    """(B, N) length of the mean bearing before it was made a unit vector."""


def bearings(p2d: Tensor) -> Tensor:
    """Unit vectors (..., 3) towards points (..., 2) of the z = 1 plane."""
    ones = torch.ones_like(p2d[..., :1])
    return torch.nn.functional.normalize(torch.cat([p2d, ones], dim=-1), dim=-1)


def reduce_pairs(W: Tensor, p2d: Tensor, p3d: Tensor) -> BearingProblem:
    """Sum pair weights W (B, M, N) over keypoints (B, M, 2); map points are (B, N, 3).

    A coordinate that is not finite does no harm where its point has no weight.
    """
    used_2d = (W != 0).any(2)[:, :, None]
    f = bearings(p2d.double().where(p2d.isfinite() | used_2d, 0))
    mean = (W.transpose(1, 2) @ f.to(W.dtype)).double()
    weight = mean.norm(dim=2)
    points = p3d.double().where(p3d.isfinite() | (weight != 0)[:, :, None], 0)
    return BearingProblem(points, torch.nn.functional.normalize(mean, dim=2), weight)


def value_and_gradient(problem: BearingProblem, theta: Tensor) -> tuple[Tensor, Tensor]:
    """Value (B,), zero for a perfect fit, and gradient (B, 6) at theta (B, 6)."""
    direction, distance = _directions(problem, theta)
    residual = direction - problem.bearing
    value = 0.5 * (problem.weight * residual.square().sum(2)).sum(1)
    pull = _pull(problem, direction, distance)
    turn = torch.einsum("bkij,bij->bk", first_derivative(theta[:, :3]), _moment(problem, pull))
    return value, torch.cat([turn, pull.sum(1)], dim=1)


def hessian(problem: BearingProblem, theta: Tensor) -> Tensor:
    """Second derivative of the value, (B, 6, 6), at theta (B, 6)."""
    direction, distance = _directions(problem, theta)
    cosine = (problem.bearing * direction).sum(2)[..., None, None]
    outer = problem.bearing[..., :, None] * direction[..., None, :]
    square = direction[..., :, None] * direction[..., None, :]
    identity = torch.eye(3, dtype=theta.dtype, device=theta.device)
    curvature = outer + outer.transpose(2, 3) + cosine * (identity - 3 * square)
    curvature = curvature * (problem.weight / distance.square())[..., None, None]

    J = _position_jacobian(problem, theta)
    H = torch.einsum("bnik,bnij,bnjl->bkl", J, curvature, J)
    moment = _moment(problem, _pull(problem, direction, distance))
    H[:, :3, :3] += torch.einsum("bklij,bij->bkl", second_derivative(theta[:, :3]), moment)
    return H


def direction_jacobian(problem: BearingProblem, theta: Tensor) -> Tensor:
    """Derivative of each map point's direction in the camera, (B, N, 3, 6), at theta (B, 6)."""
    direction, distance = _directions(problem, theta)
    J = _position_jacobian(problem, theta)
    along = torch.einsum("bni,bnik->bnk", direction, J)
    return (J - direction[..., None] * along[:, :, None]) / distance[..., None, None]


def _directions(problem: BearingProblem, theta: Tensor) -> tuple[Tensor, Tensor]:
    """Direction (B, N, 3) and distance (B, N) of the map points as the camera sees them."""
    q = problem.points @ so3_exp(theta[:, :3]).transpose(1, 2) + theta[:, None, 3:]
    distance = q.norm(dim=2).clamp_min(1e-12)
    return q / distance[..., None], distance


def _pull(problem: BearingProblem, direction: Tensor, distance: Tensor) -> Tensor:
    """Derivative of the value with respect to each point's position in the camera, (B, N, 3)."""
    cosine = (problem.bearing * direction).sum(2, keepdim=True)
    tangential = cosine * direction - problem.bearing
    return tangential * (problem.weight / distance)[..., None]


def _moment(problem: BearingProblem, pull: Tensor) -> Tensor:
    """Derivative of the value with respect to the entries of R, (B, 3, 3)."""
    return pull.transpose(1, 2) @ problem.points


def _position_jacobian(problem: BearingProblem, theta: Tensor) -> Tensor:
    """Derivative of R p_j + t with respect to theta, (B, N, 3, 6)."""
    turn = torch.einsum("bkij,bnj->bnik", first_derivative(theta[:, :3]), problem.points)
    shift = torch.eye(3, dtype=theta.dtype, device=theta.device).expand(turn.shape)
    return torch.cat([turn, shift], dim=3)
