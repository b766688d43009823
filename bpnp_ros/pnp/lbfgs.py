"""L-BFGS for many small independent problems at once (Nocedal and Wright, algorithm 7.4)."""

from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.pnp.line_search import Objective, Step, strong_wolfe

_HISTORY = 10
_Pair = tuple[Tensor, Tensor, Tensor]


def minimise(objective: Objective, x: Tensor, max_iterations: int, tolerance: Tensor) -> Tensor:
    """Minimise each of B problems from its start x (B, n), as if it were alone; returns (B, n).

    objective: (B, n) -> value (B,), gradient (B, n); row b may depend on x[b] only.
    tolerance: (B,) a problem stops when no entry of its gradient is larger.
    A problem also stops when its line search finds nothing better, at once if its value is not
    finite at the start; it then keeps its place.
    """
    value, gradient = objective(x)
    active = value.isfinite()
    history: list[_Pair] = []
    scale = torch.ones_like(value)
    first = (1 / gradient.abs().sum(1)).clamp_max(1)
    for _ in range(max_iterations):
        active = active & (gradient.abs().amax(1) > tolerance)
        if not active.any():
            break
        direction = -_apply_inverse_hessian(gradient, history, scale)
        start = Step(torch.zeros_like(value), value, (gradient * direction).sum(1), gradient)
        step = strong_wolfe(objective, x, direction, start, first, active)

        moved = (step.length[:, None] * direction).where(step.length[:, None] > 0, 0)
        change = step.gradient - gradient
        active = active & (step.length > 0)
        x, value, gradient = x + moved, step.value, step.gradient
        scale = _remember(history, moved, change, scale)
        first = torch.ones_like(value)
    return x


def _apply_inverse_hessian(gradient: Tensor, history: list[_Pair], scale: Tensor) -> Tensor:
    """The two-loop recursion; a pair whose rho is 0 has no effect on that problem."""
    q = gradient
    alphas = []
    for s, y, rho in reversed(history):
        alpha = (rho * (s * q).sum(1))[:, None]
        alphas.append(alpha)
        q = q - alpha * y
    q = scale[:, None] * q
    for (s, y, rho), alpha in zip(history, reversed(alphas), strict=True):
        q = q + s * (alpha - (rho * (y * q).sum(1))[:, None])
    return q


def _remember(history: list[_Pair], s: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    """Add a pair where the curvature is positive; returns the new scale of the inverse Hessian."""
    curvature, square = (s * y).sum(1), y.square().sum(1)
    good = curvature > 1e-10 * (s.square().sum(1) * square).sqrt()
    history.append((s, y, (1 / curvature).where(good, 0)))
    del history[:-_HISTORY]
    return (curvature / square).where(good, scale)
