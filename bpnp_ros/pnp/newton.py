"""Newton's method on poses, damped where the objective is not convex; a batch of problems at once.

Each problem goes its own way and stops on its own. Away from a GPU the batch ends with its last
problem; on one, where looking would interrupt it, all iterations are run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.pnp.bearing_alignment import BearingProblem, Expansion, expansion

LEAST_GAIN = 1e-20, 1e-15
"""Of a step, relative to the weights and to the value: one that promises less is the last."""
SUFFICIENT_SHARE = 1e-4  # of the gain that a step promised
FIRST_DAMPING, HARDER, EASIER = 1e-2, 10.0, 0.1


def minimise(problem: BearingProblem, pose: Tensor, max_iterations: int) -> Tensor:
    """Minimise each of B problems from poses [R t] (B, 3, 4), world-to-camera; returns (B, 3, 4).

    A problem without weight keeps its start exactly; one whose value is not finite at its start
    becomes NaN.
    """
    total = problem.weight.sum(1, keepdim=True)
    problem = problem._replace(weight=problem.weight / total.where(total > 0, 1))
    here = expansion(problem, pose)
    pose = pose.where(here.value.isfinite()[:, None, None], torch.nan)
    active, damping = total[:, 0] > 0, torch.zeros_like(here.value)
    for _ in range(max_iterations):
        step, promised = _step(here, damping)
        last = promised <= LEAST_GAIN[0] + LEAST_GAIN[1] * here.value
        new = moved(pose, step)
        if not pose.is_cuda and (last | ~active).all():
            return new.where(active[:, None, None], pose)
        there = expansion(problem, new)
        better = here.value - there.value >= SUFFICIENT_SHARE * promised
        accepted = active & (better | last)
        pose, *here_then = _chosen(accepted, (new, *there), (pose, *here))
        here = Expansion(*here_then)
        active = active & ~last
        harder = (damping * HARDER).clamp_min(FIRST_DAMPING)
        damping = torch.where(accepted, damping * EASIER, harder)
    return pose


def moved(pose: Tensor, motion: Tensor) -> Tensor:
    """Poses [R t] (B, 3, 4) after motions (B, 6) in the camera's axes: a turn, then a shift."""
    after = so3_exp(motion[:, :3]) @ pose
    after[:, :, 3] += motion[:, 3:]
    return after


def _step(here: Expansion, damping: Tensor) -> tuple[Tensor, Tensor]:
    """The motion (B, 6) to the minimum of the expansion, and the gain (B,) that it promises.

    The gain is infinite where the damped Hessian is not positive definite.
    """
    damped = here.hessian.clone()
    stiffness = torch.stack([damping, damping * here.nearness], dim=1)
    damped.diagonal(dim1=1, dim2=2).add_(stiffness.repeat_interleave(3, dim=1))
    factor, failed = torch.linalg.cholesky_ex(damped)
    step = -torch.cholesky_solve(here.gradient[..., None], factor)[..., 0]
    promised = -0.5 * (here.gradient * step).sum(1)
    sound = (failed == 0) & promised.isfinite()
    return step, promised.where(sound, torch.inf)


def _chosen(which: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]) -> Iterator[Tensor]:
    """Of each problem the new tensors or the old ones."""
    for a, b in zip(new, old, strict=True):
        yield torch.where(which.reshape(-1, *(1,) * (b.dim() - 1)), a, b)
