"""The linear system behind the gradient of every entropy-regularised transport plan.

A plan P_ij = exp(S_ij + a_i + b_j) obeys P 1 = r and P^T 1 = c. Differentiating the two constraints
gives, for a gradient G with respect to log P, the multipliers (u, v) of

    [ diag(r)    P    ] [u]   [ G 1   ]
    [   P^T   diag(c) ] [v] = [ G^T 1 ]

and dS = G - P * (u_i + v_j), dr = u, dc = v (implicit function theorem; Campbell et al., ECCV 2020,
section 3.2, and Gould et al., Deep Declarative Networks).
"""

from __future__ import annotations

import torch
from torch import Tensor

_RIDGE = 1e-13
_LARGE = 200  # rows and columns from which iterating is faster than a factor
_MOST_ITERATIONS = 60


def transport_multipliers(P: Tensor, G: Tensor) -> tuple[Tensor, Tensor]:
    """Solve the system above for a batch of plans, on rows and columns that carry mass.

    P: (B, M, N) plan; its own sums are taken as marginals, so that the answer is exact for the
        problem which P solves even if the iteration stopped early.
    G: (B, M, N) gradient with respect to log P, zero where P is.
    Returns u (B, M) and v (B, N), 0 on rows and columns without mass; their common shift
    (u + k, v - k), which changes no gradient, is chosen by r . u = 0.

    The system is scaled by r^-1/2 and c^-1/2 and its columns are eliminated, which leaves
    I - Q Q^T. The null vector sqrt(r) of that is the free shift and is filled in. Large plans are
    solved by conjugate gradients, in their own precision and without a copy; a plan on which these
    do not end (one that nearly falls into blocks), and small ones, by a Cholesky factor.
    """
    iterate = min(P.shape[1:]) >= _LARGE and not P.is_cuda
    solution = _iterated(P, G) if iterate else None
    return _factored(P, G) if solution is None else solution


def _iterated(P: Tensor, G: Tensor) -> tuple[Tensor, Tensor] | None:
    """By conjugate gradients; None where they have not ended after some iterations."""
    r, c = P.sum(2), P.sum(1)
    scale_r, scale_c = _inverse(r).sqrt(), _inverse(c).sqrt()

    def Q(y: Tensor) -> Tensor:
        return scale_r * flow_to_rows(P, scale_c * y)

    def Q_transposed(x: Tensor) -> Tensor:
        return scale_c * flow_to_columns(scale_r * x, P)

    shift = torch.nn.functional.normalize(r.sqrt(), dim=1)
    y = G.sum(1) * scale_c
    b = G.sum(2) * scale_r - Q(y)
    x, residual, direction = torch.zeros_like(b), b, b
    square = residual.square().sum(1, keepdim=True)
    enough = square * (20 * torch.finfo(P.dtype).eps) ** 2
    for _ in range(_MOST_ITERATIONS):
        if (square <= enough).all():
            v = y - Q_transposed(x)
            return x * scale_r, v * scale_c
        image = direction - Q(Q_transposed(direction))
        image = image + shift * (shift * direction).sum(1, keepdim=True)
        curvature = (direction * image).sum(1, keepdim=True)
        step = (square / curvature).where(square > enough, 0)
        x, residual = x + step * direction, residual - step * image
        before, square = square, residual.square().sum(1, keepdim=True)
        direction = residual + (square / before).where(before > 0, 0) * direction
    return None


def _factored(P: Tensor, G: Tensor) -> tuple[Tensor, Tensor]:
    """By a Cholesky factor in float64, with a ridge far below the accuracy asked for, so that there
    is one even for a plan that falls into blocks. Takes an array of the plan's size in float64."""
    Q = P.to(torch.float64, copy=True)
    r, c = Q.sum(2), Q.sum(1)
    scale_r, scale_c = _inverse(r).sqrt(), _inverse(c).sqrt()
    Q.mul_(scale_r[:, :, None]).mul_(scale_c[:, None, :])
    x, y = G.sum(2) * scale_r, G.sum(1) * scale_c

    shift = torch.nn.functional.normalize(r.sqrt(), dim=1)
    system = shift[:, :, None] * shift[:, None, :] - Q @ Q.transpose(1, 2)
    system.diagonal(dim1=1, dim2=2).add_(1 + _RIDGE)
    factor, _ = torch.linalg.cholesky_ex(system)
    u = torch.cholesky_solve(x[:, :, None] - Q @ y[:, :, None], factor).squeeze(2)
    v = y - (u[:, None] @ Q).squeeze(1)
    return (u * scale_r).to(P.dtype), (v * scale_c).to(P.dtype)


def flow_to_rows(K: Tensor, scaling: Tensor) -> Tensor:
    """(B, M, N) times (B, N) -> (B, M)."""
    if len(K) == 1:
        return torch.mv(K[0], scaling[0])[None]
    return torch.bmm(K, scaling[:, :, None])[:, :, 0]


def flow_to_columns(scaling: Tensor, K: Tensor) -> Tensor:
    """(B, M) times (B, M, N) -> (B, N)."""
    if len(K) == 1:
        return torch.mv(K[0].T, scaling[0])[None]
    return torch.bmm(scaling[:, None], K)[:, 0]


def tangent(gradient: Tensor, prior: Tensor) -> Tensor:
    """Gradient with respect to a prior (B, K), freed of what would change the prior's sum."""
    mean = (gradient * prior).sum(1, keepdim=True) * _inverse(prior.sum(1, keepdim=True))
    return (gradient - mean).where(prior > 0, 0)


def _inverse(x: Tensor) -> Tensor:
    return x.reciprocal().where(x > 0, 0)
