"""The losses of the paper (Campbell et al., ECCV 2020, section 3.4), and one for dustbins."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor

from bpnp_ros.geometry.rotation import rotation_angle, so3_exp
from bpnp_ros.pnp.ransac import MIN_PAIRS

MAX_ROTATION = math.pi / 2
MAX_TRANSLATION = 1.0


class PoseLoss(NamedTuple):
    """Means over the batch, each a scalar."""

    rotation: Tensor
    """Angle between the rotations, rad, at most pi / 2 for each item."""
    translation: Tensor
    """Distance of the translations, map units, at most 1 for each item."""


def correspondence_loss(P: Tensor, C: Tensor) -> Tensor:
    """Mass on wrong pairs minus mass on true ones, -1 to 1, averaged over the batch.

    P: (B, M, N) plan, summing to 1 in each item. C: (B, M, N), 1 for true pairs, else 0.
    """
    return ((1 - 2 * C) * P).sum((1, 2)).mean()


def log_likelihood_loss(log_plan: Tensor, C: Tensor, true_2d: Tensor, true_3d: Tensor) -> Tensor:
    """Mean of minus the log-mass of true pairs and of unmatched points; mean over the batch.

    Not of the paper, which has no dustbin; as in the networks that followed it.
    log_plan: (B, M + 1, N + 1) of `dustbin_sinkhorn`, dustbins last. C: (B, M, N), 1 for true
    pairs. true_2d, true_3d: (B, M), (B, N) boolean, False on padding. Without points an item is 0.
    """
    unmatched_2d = true_2d & (C.sum(2) == 0)
    unmatched_3d = true_3d & (C.sum(1) == 0)
    likelihood = (log_plan[:, :-1, :-1] * C).sum((1, 2))
    likelihood = likelihood + (log_plan[:, :-1, -1] * unmatched_2d).sum(1)
    likelihood = likelihood + (log_plan[:, -1, :-1] * unmatched_3d).sum(1)
    count = C.sum((1, 2)) + unmatched_2d.sum(1) + unmatched_3d.sum(1)
    return -(likelihood / count.clamp_min(1)).mean()


def pose_loss(theta: Tensor, R_gt: Tensor, t_gt: Tensor) -> PoseLoss:
    """How far poses theta (B, 6) are from world-to-camera R_gt (B, 3, 3) and t_gt (B, 3).

    An error above its limit has no gradient, and neither has an error of exactly 0.
    """
    angle = rotation_angle(so3_exp(theta[:, :3]), R_gt)
    distance = (theta[:, 3:] - t_gt).norm(dim=1)
    return PoseLoss(
        angle.clamp_max(MAX_ROTATION).mean(), distance.clamp_max(MAX_TRANSLATION).mean()
    )


def total_loss(correspondence: Tensor, pose: PoseLoss | None, gamma: float = 1.0) -> Tensor:
    """Lc + gamma Lp; without a pose (before its epoch, or sets too small for one) Lc alone."""
    if pose is None:
        return correspondence
    return correspondence + gamma * (pose.rotation + pose.translation)


def batch_has_pose(num_points_2d: Tensor, num_points_3d: Tensor) -> bool:
    """Whether every set of the batch has the 4 points that a pose needs; counts of any shape."""
    return min(int(num_points_2d.min()), int(num_points_3d.min())) >= MIN_PAIRS
