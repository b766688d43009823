"""Transport with a dustbin row and column, so that points may stay without a match.

Each keypoint is spread over the map points and one dustbin column, each map point over the
keypoints and one dustbin row. The idea is that of the networks that followed the paper (SuperGlue,
GoMatch); the solution is differentiated implicitly, like that of `sinkhorn`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bpnp_ros.optimal_transport.implicit import transport_multipliers

# float32 cannot hold exp(-100), and a pair this far below the best of its row never matters
_MAX_SCORE_GAP = 50.0


def dustbin_sinkhorn(
    scores: Tensor,
    dustbin_score: Tensor,
    row_weight: Tensor | None = None,
    column_weight: Tensor | None = None,
    iterations: int = 30,
) -> Tensor:
    """Log-probabilities of all pairs and of being unmatched, (B, M + 1, N + 1).

    scores: (B, M, N), higher is more alike. Scores more than 50 below the best of their row
        (dustbin included) count as 50 below, so that no mass underflows; their gradient passes.
    dustbin_score: scalar tensor, the score of being unmatched (a learned parameter).
    row_weight, column_weight: (B, M) and (B, N) masses >= 0, by default 1 each; a boolean mask will
        do. 0 marks padding, whose scores are never looked at. A map point's weight may be its
        detectability, a keypoint's weight its detector score. They are not differentiated.
    iterations: a fixed number. Rows are balanced last: exp(row i) sums to the weight of i exactly.

    The last row and column are the dustbins, their common corner what is left over. Padding holds
    the lowest finite number, whose exp is 0. A NaN score makes its own item NaN.
    """
    dtype = torch.promote_types(scores.dtype, torch.float32)
    B, M, N = scores.shape
    row = scores.new_ones(B, M) if row_weight is None else row_weight
    column = scores.new_ones(B, N) if column_weight is None else column_weight
    row, column = row.to(scores.device, dtype), column.to(scores.device, dtype)
    r = torch.cat([row, column.sum(1, keepdim=True)], dim=1)
    c = torch.cat([column, row.sum(1, keepdim=True)], dim=1)
    return _DustbinSinkhorn.apply(scores.to(dtype), dustbin_score.to(dtype), r, c, iterations)


class _DustbinSinkhorn(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, scores: Tensor, dustbin_score: Tensor, r: Tensor, c: Tensor, iterations: int
    ) -> Tensor:
        with torch.autocast(scores.device.type, enabled=False):
            log_P = _solve(scores, dustbin_score, r, c, iterations)
        ctx.save_for_backward(log_P, r, c)
        return log_P

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_log_P: Tensor) -> tuple[Tensor | None, ...]:
        log_P, r, c = ctx.saved_tensors
        P = log_P.exp()
        G = grad_log_P.masked_fill(_padding(r, c), 0)
        with torch.autocast(P.device.type, enabled=False):
            u, v = transport_multipliers(P, G)
        grad_S = G - P.mul_(u[:, :, None] + v[:, None, :])
        grad_dustbin = grad_S[:, -1].sum() + grad_S[:, :-1, -1].sum()
        return grad_S[:, :-1, :-1], grad_dustbin, None, None, None


def _solve(scores: Tensor, dustbin_score: Tensor, r: Tensor, c: Tensor, iterations: int) -> Tensor:
    """Scale the rows and columns of exp(scores), each row first divided by its largest entry."""
    padding = None if _has_no_padding(r, c) else _padding(r, c)
    lowest = torch.finfo(scores.dtype).min
    S = torch.nn.functional.pad(scores, (0, 1, 0, 1))
    S[:, -1] = S[:, :, -1] = dustbin_score
    if padding is not None:
        S.masked_fill_(padding, lowest)
    S.sub_(S.amax(2, keepdim=True)).clamp_min_(-_MAX_SCORE_GAP)

    K = S.exp()
    if padding is not None:
        K.masked_fill_(padding, 0)
    u = _divide(r, K.sum(2))
    for _ in range(iterations):
        v = _divide(c, torch.bmm(u[:, None], K)[:, 0])
        u = _divide(r, torch.bmm(K, v[:, :, None])[:, :, 0])
    S.add_(u.log()[:, :, None]).add_(v.log()[:, None])
    return S if padding is None else S.masked_fill_(padding, lowest)


def _has_no_padding(r: Tensor, c: Tensor) -> bool:
    """False on a GPU, where a look would have to wait."""
    return not r.is_cuda and bool((r != 0).all()) and bool((c != 0).all())


def _padding(r: Tensor, c: Tensor) -> Tensor:
    return (r == 0)[:, :, None] | (c == 0)[:, None, :]


def _divide(mass: Tensor, flow: Tensor) -> Tensor:
    return (mass / flow).where(mass != 0, 0)
