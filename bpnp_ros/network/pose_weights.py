"""How much weighted PnP is to trust each pair."""

from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.network.matching import Matching, joint_probability
from bpnp_ros.pnp.ransac import RansacSettings


def pose_weights(matching: Matching, p2d: Tensor, p3d: Tensor, theta0: Tensor) -> Tensor:
    """Weights (B, M, N) for weighted PnP from RANSAC's poses theta0 (B, 6).

    p2d: (B, M, 2) keypoints, p3d: (B, N, 3) map points. Without a dustbin it is the plan, as in the
    paper. A plan with one is of sets of which much has no partner, and the objective forgives no
    wrong pair: there the probability of a pair counts as far as it agrees with theta0.
    """
    if matching.log_plan is None:
        return matching.P
    return joint_probability(matching.log_plan) * agreement(p2d, p3d, theta0.detach())


def agreement(p2d: Tensor, p3d: Tensor, theta: Tensor) -> Tensor:
    """How well pairs agree with poses theta (B, 6): from 1 down to 0 at RANSAC's threshold.

    Tukey's biweight of the distance on the z = 1 plane; 0 behind the camera. Returns (B, M, N).
    """
    q = p3d @ so3_exp(theta[:, :3]).transpose(1, 2) + theta[:, None, 3:]
    seen = q[..., :2] / q[..., 2:]
    square = (p2d[:, :, None] - seen[:, None]).square().sum(3) / RansacSettings.threshold**2
    ahead = (q[:, None, :, 2] > 0) & square.isfinite()
    return (1 - square).clamp_min(0).square().where(ahead, torch.zeros_like(square))
