"""Weighted blind PnP as a declarative layer (Campbell et al., ECCV 2020, section 3.3).

    theta = argmin  sum_ij W_ij (1 - f_i . n_j(theta))

with f_i the bearing of keypoint i and n_j the direction of R p_j + t. It is solved without
recording the iterations; the gradient follows from the implicit function theorem at the solution,
d theta / dW = -H^-1 B, with H the Hessian and B the gradients of each pair's cost.
"""

from __future__ import annotations

import math
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bpnp_ros.geometry.rotation import left_jacobian_inverse, skew, so3_exp, so3_log
from bpnp_ros.pnp.bearing_alignment import (
    BearingProblem,
    direction_jacobian,
    expansion,
    finite_bearings,
    reduce_pairs,
    value,
)
from bpnp_ros.pnp.newton import minimise

MAX_COLUMN_NORM = 100.0
_ROWS = 128
"""Keypoints at a time whose columns are cut, so that nothing of the size of W is made beside it."""


def iteration_limit(m: int, n: int) -> int:
    """How many iterations (of L-BFGS) the paper's code spends on m keypoints and n map points."""
    thousands = max(m, n, 1) / 1000
    return round(min(max(75 * thousands**-1.5, 1), 100))


def weighted_pnp(
    W: Tensor, p2d: Tensor, p3d: Tensor, theta0: Tensor, max_iterations: int | None = None
) -> Tensor:
    """Refine each pose of a batch on weighted pairs; returns theta (B, 6).

    W: (B, M, N) weight of each pair, >= 0; only its direction matters, not its sum.
    p2d: (B, M, 2) keypoints on the z = 1 plane. p3d: (B, N, 3) map points.
    theta0: (B, 6) start, world-to-camera (angle-axis in radians, translation in map units).
    max_iterations: by default `iteration_limit` of M and N.

    Solved in float64, each item on its own. Without any weight an item keeps its start; with NaN or
    infinity among what has weight, its pose is NaN. Differentiable with respect to W only: 0 where
    the Hessian is not positive definite (no strict minimum, so no derivative) or anything is not
    finite, and the derivative of theta by any one weight is cut to norm 100.
    """
    limit = iteration_limit(W.shape[1], W.shape[2]) if max_iterations is None else max_iterations
    W = W.to(torch.promote_types(W.dtype, torch.float32))
    return _WeightedPnP.apply(W, p2d.detach(), p3d.detach(), theta0.detach(), limit)


def objective(W: Tensor, p2d: Tensor, p3d: Tensor, theta: Tensor) -> Tensor:
    """The sum that `weighted_pnp` minimises, (B,) float64, at poses theta (B, 6)."""
    problem = reduce_pairs(W, p2d, p3d)
    rest = W.double().sum((1, 2)) - problem.weight.sum(1)
    return value(problem, _pose(theta.double())) + rest


class _WeightedPnP(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, W: Tensor, p2d: Tensor, p3d: Tensor, theta0: Tensor, max_iterations: int
    ) -> Tensor:
        with torch.autocast(W.device.type, enabled=False):
            problem = reduce_pairs(W, p2d, p3d)
        start = theta0.double()
        begin = _pose(start)
        pose = _minimised(problem, begin, max_iterations)
        stayed = (pose == begin).flatten(1).all(1, keepdim=True)
        solution = start.where(stayed, _theta_near(start, pose))
        ctx.save_for_backward(p2d, solution, *problem)
        ctx.dtype = W.dtype
        return solution.to(theta0.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_theta: Tensor) -> tuple[Tensor | None, ...]:
        p2d, theta, *reduced = ctx.saved_tensors
        f = finite_bearings(p2d.double()).to(ctx.dtype)
        gradient = implicit_gradient(BearingProblem(*reduced), f, theta, grad_theta.double())
        return gradient, None, None, None, None


def _minimised(problem: BearingProblem, pose: Tensor, max_iterations: int) -> Tensor:
    """By machine code where there can be some."""
    if pose.is_cuda or not _numba_is_installed():
        return minimise(problem, pose, max_iterations)
    from bpnp_ros.pnp import newton_compiled

    points, bearing, weight, start = (t.contiguous().numpy() for t in (*problem, pose))
    found = newton_compiled.minimise(points, bearing, weight, start, max_iterations)
    return torch.from_numpy(found)


@cache
def _numba_is_installed() -> bool:
    return find_spec("numba") is not None


def implicit_gradient(
    problem: BearingProblem, f: Tensor, theta: Tensor, grad_theta: Tensor
) -> Tensor:
    """Gradient (B, M, N) with respect to the pair weights, given that of theta (B, 6).

    f: (B, M, 3) bearings of the keypoints, whose precision the gradient has. theta: (B, 6) the
    solution of `problem`.
    """
    pose = _pose(theta)
    factor, failed = torch.linalg.cholesky_ex(expansion(problem, pose).hessian)
    inverse = torch.cholesky_solve(_derivative_by_motion(theta).transpose(1, 2), factor)
    J = direction_jacobian(problem, pose)
    columns = (J.flatten(1, 2) @ inverse).reshape(J.shape)
    sound = columns.isfinite().all(3).all(2) & (failed == 0)[:, None]
    columns = columns.where(sound[..., None, None], 0)

    gradient = f @ (columns * grad_theta[:, None, None]).sum(3).to(f).transpose(1, 2)
    square = columns @ columns.transpose(2, 3)
    longest = square.diagonal(dim1=2, dim2=3).sum(2)  # of the columns of each map point, at most
    if f.is_cuda or (longest > MAX_COLUMN_NORM**2).any():
        for rows, part in zip(f.split(_ROWS, dim=1), gradient.split(_ROWS, dim=1), strict=True):
            norm_squared = _quadratic(rows, square.to(f)).clamp_min_(MAX_COLUMN_NORM**2)
            part.mul_(norm_squared.rsqrt_().mul_(MAX_COLUMN_NORM))
    return gradient


def _quadratic(f: Tensor, square: Tensor) -> Tensor:
    """f_i^T S_j f_i of vectors (B, M, 3) and symmetric matrices (B, N, 3, 3), (B, M, N)."""
    row, column = torch.triu_indices(3, 3, device=f.device)
    twice = torch.where(row == column, 1, 2).to(f)
    return (f[..., row] * f[..., column] * twice) @ square[..., row, column].transpose(1, 2)


def _derivative_by_motion(theta: Tensor) -> Tensor:
    """Of theta (B, 6) by a small turn and shift in the camera's axes, (B, 6, 6)."""
    derivative = torch.zeros(*theta.shape, 6, dtype=theta.dtype, device=theta.device)
    derivative[:, :3, :3] = left_jacobian_inverse(theta[:, :3])
    derivative[:, 3:, :3] = -skew(theta[:, 3:])
    derivative[:, 3:, 3:].diagonal(dim1=1, dim2=2).fill_(1)
    return derivative


def _pose(theta: Tensor) -> Tensor:
    """[R t], (B, 3, 4), of theta (B, 6)."""
    return torch.cat([so3_exp(theta[:, :3]), theta[:, 3:, None]], dim=2)


def _theta_near(start: Tensor, pose: Tensor) -> Tensor:
    """(B, 6) of poses (B, 3, 4): of angle-axes that mean the same the nearest to the start's."""
    r = so3_log(pose[:, :, :3])
    angle = r.norm(dim=1, keepdim=True)
    axis = r / angle.clamp_min(1e-300)
    turns = (((start[:, :3] * axis).sum(1, keepdim=True) - angle) / math.tau).round()
    return torch.cat([r + math.tau * turns * axis, pose[:, :, 3]], dim=1)
