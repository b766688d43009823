"""How well poses explain a whole set of keypoints, given how probably each shows which point.

With pi_ij of a plan, keypoint i shows point j, with Gaussian noise on the z = 1 plane, or nothing
of the map, evenly over the area A of the keypoints:

    p(u_i | theta) = pi_i0 / A + sum_j pi_ij N(u_i; proj_j(theta), s^2)

A share of each keypoint's probability is given away evenly, so that a point that the plan has
overlooked can speak for a pose, and no keypoint alone decides against it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp

SIGMA = 0.005
DOUBT = 0.1
"""Share of a keypoint's probability that goes to all points alike, and as much to none of them."""
LEAST_AREA = 1e-4
NOWHERE = 1e3  # on the plane; infinity would spoil `cdist`
FAINTEST_LOG = -40.0  # below lie denormal numbers, which are very slow


def log_likelihoods(plan: Tensor, xy: Tensor, points: Tensor, theta: Tensor) -> Tensor:
    """Nats (P,) by which poses theta (P, 6) explain keypoints better than mere clutter does.

    plan: (M, N + 1) how probably each keypoint shows each point and, last, none; rows sum to 1.
    xy: (M, 2) on the z = 1 plane. points: (N, 3), which theta brings into the camera. Points
    behind the camera explain nothing.
    """
    trusted = (1 - 2 * DOUBT) * plan
    pairs, clutter = trusted[:, :-1] + DOUBT / len(points), trusted[:, -1] + DOUBT
    pairs = pairs * (_area(xy) / (2 * math.pi * SIGMA**2))
    nats = torch.empty(len(theta)).to(plan)
    for row, pose in enumerate(theta.to(points)):
        q = points @ so3_exp(pose[None, :3])[0].T + pose[3:]
        seen = (q[:, :2] / q[:, 2:]).where(q[:, 2:] > 0, NOWHERE)
        square = torch.cdist(xy / SIGMA, seen / SIGMA).square_()
        nearness = square.mul_(-0.5).clamp_(min=FAINTEST_LOG).exp_()
        nats[row] = (clutter + (pairs * nearness).sum(dim=1)).log().sum()
    return nats


def _area(xy: Tensor) -> Tensor:
    return (xy.amax(dim=0) - xy.amin(dim=0)).prod().clamp_min(LEAST_AREA)
