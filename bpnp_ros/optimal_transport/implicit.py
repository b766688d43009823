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


def transport_multipliers(P: Tensor, G: Tensor) -> tuple[Tensor, Tensor]:
    """Solve the system above for a batch of plans, on rows and columns that carry mass.

    P: (B, M, N) plan; its own sums are taken as marginals, so that the answer is exact for the
        problem which P solves even if the iteration stopped early.
    G: (B, M, N) gradient with respect to log P, zero where P is.
    Returns u (B, M) and v (B, N), 0 on rows and columns without mass; their common shift
    (u + k, v - k), which changes no gradient, is chosen by r . u = 0.

    The system is scaled by r^-1/2 and c^-1/2 and its columns are eliminated, which leaves
    I - Q Q^T. The null vector sqrt(r) of that is the free shift and is filled in; then a Cholesky
    factor exists, in float64 and with a ridge far below the accuracy asked for, even for a plan
    that falls into blocks. One array of the plan's size is needed in float64.
    """
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


def tangent(gradient: Tensor, prior: Tensor) -> Tensor:
    """Gradient with respect to a prior (B, K), freed of what would change the prior's sum."""
    mean = (gradient * prior).sum(1, keepdim=True) * _inverse(prior.sum(1, keepdim=True))
    return (gradient - mean).where(prior > 0, 0)


def _inverse(x: Tensor) -> Tensor:
    return x.reciprocal().where(x > 0, 0)
