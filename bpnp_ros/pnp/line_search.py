"""A line search for the strong Wolfe conditions, for many independent problems at once.

Bracketing and zooming of Nocedal and Wright (Numerical Optimization, algorithms 3.5 and 3.6) as one
loop: each problem keeps the best step so far (`low`) and the other end of its bracket (`high`,
infinitely far until one is found).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Objective = Callable[[Tensor], tuple[Tensor, Tensor]]

_SUFFICIENT_DECREASE = 1e-4
_CURVATURE = 0.9
_EXPANSION = 4.0
_MAX_TRIALS = 25
_ROUNDING = 1e-12  # relative; near the optimum the slope alone decides


class Step(NamedTuple):
    """Where each of B problems stands on its line."""

    length: Tensor
    """(B,) multiples of the direction."""
    value: Tensor
    """(B,) objective."""
    slope: Tensor
    """(B,) derivative along the direction."""
    gradient: Tensor
    """(B, n)"""


def strong_wolfe(
    objective: Objective, x: Tensor, direction: Tensor, start: Step, first: Tensor, active: Tensor
) -> Step:
    """Find a step for each active problem; the others keep `start` (length 0).

    objective: (B, n) -> value (B,), gradient (B, n). x, direction: (B, n). first: (B,) length to
    try first. active: (B,) boolean. Where 25 trials do not reach the conditions, or rounding hides
    any further gain, the best step with enough decrease is returned, of length 0 if there is none.
    """
    low, high = start, start._replace(length=torch.full_like(start.length, torch.inf))
    rounding = _ROUNDING * start.value.abs()
    ceiling = start.value + rounding
    done, length = ~active, first
    for _ in range(_MAX_TRIALS):
        value, gradient = objective(x + length[:, None] * direction)
        trial = Step(length, value, (gradient * direction).sum(1), gradient)
        enough = value <= ceiling + _SUFFICIENT_DECREASE * length * start.slope
        better = enough & ((value < low.value) | (low.length == 0))
        accepted = better & (trial.slope.abs() <= -_CURVATURE * start.slope)
        turned = better & (trial.slope * (high.length - low.length) >= 0)
        high = _choose(~done & ~better, trial, _choose(~done & turned, low, high))
        low = _choose(~done & better, trial, low)
        gain = ((high.length - low.length) * low.slope).abs()
        done = done | accepted | (gain <= rounding)
        if done.all():
            break
        length = _next_length(low, high)
    return low


def _next_length(low: Step, high: Step) -> Tensor:
    """Minimum of the cubic through both ends of the bracket, kept off the ends; or further out."""
    span = high.length - low.length
    theta = low.slope + high.slope - 3 * (high.value - low.value) / span
    root = (theta.square() - low.slope * high.slope).clamp_min(0).sqrt() * span.sign()
    share = 1 - (high.slope + root - theta) / (high.slope - low.slope + 2 * root)
    share = share.where(share.isfinite(), 0.5).clamp(0.1, 0.9)
    return torch.where(span.isfinite(), low.length + share * span, _EXPANSION * low.length)


def _choose(mask: Tensor, yes: Step, no: Step) -> Step:
    return Step(
        torch.where(mask, yes.length, no.length),
        torch.where(mask, yes.value, no.value),
        torch.where(mask, yes.slope, no.slope),
        torch.where(mask[:, None], yes.gradient, no.gradient),
    )
