"""Weighted blind PnP as a declarative layer (Campbell et al., ECCV 2020, section 3.3).

    theta = argmin  sum_ij W_ij (1 - f_i . n_j(theta))

with f_i the bearing of keypoint i and n_j the direction of R p_j + t. It is solved without
recording the iterations; the gradient follows from the implicit function theorem at the solution,
d theta / dW = -H^-1 B, with H the Hessian and B the gradients of each pair's cost.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bpnp_ros.pnp.bearing_alignment import (
    BearingProblem,
    bearings,
    direction_jacobian,
    hessian,
    reduce_pairs,
    value_and_gradient,
)
from bpnp_ros.pnp.lbfgs import minimise

MAX_COLUMN_NORM = 100.0
_GRADIENT_TOLERANCE = 1e-12


def iteration_limit(m: int, n: int) -> int:
    """How many L-BFGS iterations the paper's code spends on m keypoints and n map points."""
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
    return value_and_gradient(problem, theta.double())[0] + rest


class _WeightedPnP(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, W: Tensor, p2d: Tensor, p3d: Tensor, theta0: Tensor, max_iterations: int
    ) -> Tensor:
        with torch.autocast(W.device.type, enabled=False):
            problem = reduce_pairs(W, p2d, p3d)
        tolerance = _GRADIENT_TOLERANCE * problem.weight.sum(1)
        start = theta0.double()
        solution = minimise(
            lambda theta: value_and_gradient(problem, theta), start, max_iterations, tolerance
        )
        finite = value_and_gradient(problem, start)[0].isfinite()
        solution = solution.where(finite[:, None], torch.nan)
        ctx.save_for_backward(p2d, solution, *problem)
        ctx.dtype = W.dtype
        return solution.to(theta0.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_theta: Tensor) -> tuple[Tensor | None, ...]:
        p2d, theta, *reduced = ctx.saved_tensors
        gradient = implicit_gradient(
            BearingProblem(*reduced), bearings(p2d.double()), theta, grad_theta.double()
        )
        return gradient.to(ctx.dtype), None, None, None, None


def implicit_gradient(
    problem: BearingProblem, f: Tensor, theta: Tensor, grad_theta: Tensor
) -> Tensor:
    """Gradient (B, M, N) with respect to the pair weights, given that of theta (B, 6).

    f: (B, M, 3) bearings of the keypoints. theta: (B, 6) the solution of `problem`.
    """
    H = hessian(problem, theta)
    factor, failed = torch.linalg.cholesky_ex(H)
    J = direction_jacobian(problem, theta)
    columns = torch.cholesky_solve(J.flatten(1, 2).transpose(1, 2), factor)
    columns = columns.transpose(1, 2).reshape(J.shape)
    columns = columns.where((failed == 0)[:, None, None, None], 0)

    gradient = f @ torch.einsum("bnik,bk->bin", columns, grad_theta)
    square = torch.einsum("bnik,bnjk->bnij", columns, columns).flatten(2)
    norm = ((f[..., :, None] * f[..., None, :]).flatten(2) @ square.transpose(1, 2)).sqrt()
    return (gradient * (MAX_COLUMN_NORM / norm).clamp_max(1)).nan_to_num(0, 0, 0)
