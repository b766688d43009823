"""Sinkhorn's algorithm as a declarative layer (Campbell et al., ECCV 2020, section 3.2).

    P = argmin  <P, M> + (1 / sharpness) sum P (log P - 1)   with  P 1 = r,  P^T 1 = c

It is solved without recording the iterations and differentiated at the solution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bpnp_ros.optimal_transport.implicit import (
    flow_to_columns,
    flow_to_rows,
    tangent,
    transport_multipliers,
)


@dataclass(frozen=True)
class SinkhornSettings:
    """The constants of the paper; costs are distances between unit features, so at most 2.

    sharpness: the paper's lambda. max_cost: larger costs count as this.
    tolerance: stop when no row scaling moves more, in any item of the batch; looked at on
        processors alone, as a look would interrupt a GPU.
    """

    sharpness: float = 10.0
    max_cost: float = 5.0
    max_iterations: int = 100
    tolerance: float = 1e-9


def uniform_prior(counts: Tensor, length: int) -> Tensor:
    """Equal mass on the first `counts` entries of each item, zero on the padding behind them.

    counts: (B,) or (B, 1) integers. Returns (B, length) float64, each row summing to 1 (to 0 where
    the count is 0).
    """
    counts = counts.reshape(-1, 1)
    true = torch.arange(length, device=counts.device) < counts
    return true.double() / counts.clamp_min(1)


def sinkhorn(
    M: Tensor,
    row_prior: Tensor,
    column_prior: Tensor,
    settings: SinkhornSettings | None = None,
) -> Tensor:
    """Joint probability of all pairs, (B, M, N), summing to 1 in each item.

    M: (B, M, N) cost of each pair.
    row_prior, column_prior: (B, M) and (B, N), each summing to 1; 0 marks padding, which gets no
        mass and whose costs are never looked at. An item with no true row or column is all 0.
    A NaN cost makes its own item NaN and leaves the others alone. Differentiable with
    respect to M and, among priors of equal sum, to the priors.
    """
    M = M.to(torch.promote_types(M.dtype, torch.float32))
    return _Sinkhorn.apply(M, row_prior.to(M), column_prior.to(M), settings or SinkhornSettings())


class _Sinkhorn(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, M: Tensor, r: Tensor, c: Tensor, settings: SinkhornSettings) -> Tensor:
        with torch.autocast(M.device.type, enabled=False):
            P = _solve(M, r, c, settings)
        ctx.save_for_backward(M, P, r, c)
        ctx.settings = settings
        return P

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_P: Tensor) -> tuple[Tensor | None, ...]:
        M, P, r, c = ctx.saved_tensors
        settings: SinkhornSettings = ctx.settings
        with torch.autocast(M.device.type, enabled=False):
            G = (P * grad_P).masked_fill_(P == 0, 0)
            u, v = transport_multipliers(P, G)
            grad_M = G.addcmul_(P, u[:, :, None] + v[:, None, :], value=-1)
        fixed = (P == 0).logical_or_(P.isnan()).logical_or_(settings.max_cost < M)
        grad_M = grad_M.mul_(-settings.sharpness).masked_fill_(fixed, 0)
        return grad_M, tangent(u, r), tangent(v, c), None


def _solve(M: Tensor, r: Tensor, c: Tensor, settings: SinkhornSettings) -> Tensor:
    K = torch.mul(M, -settings.sharpness).clamp_min_(-settings.sharpness * settings.max_cost).exp_()
    padding = (r == 0)[:, :, None], (c == 0)[:, None, :]
    if M.is_cuda or any(part.any() for part in padding):
        for part in padding:
            K.masked_fill_(part, 0)
    u = r
    for _ in range(settings.max_iterations):
        previous = u
        u = _divide(r, flow_to_rows(K, _divide(c, flow_to_columns(u, K))))
        if not M.is_cuda and not (u - previous).abs().gt(settings.tolerance).any():
            break
    v = _divide(c, flow_to_columns(u, K))
    return K.mul_(u[:, :, None]).mul_(v[:, None, :])


def _divide(mass: Tensor, flow: Tensor) -> Tensor:
    """Scaling that makes `flow` carry `mass`; where nothing can flow there is none."""
    return (mass / flow).where(flow != 0, 0)
