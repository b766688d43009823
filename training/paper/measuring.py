"""What the paper reports of a network: poses, errors and inliers of every sample."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.backends import opencv
from bpnp_ros.evaluation.pose_errors import (
    agreeing_pairs,
    pairs_within,
    reprojection_error,
    rotation_error_deg,
    translation_error,
)
from bpnp_ros.geometry.rotation import so3_log
from bpnp_ros.network.matching import MatchingNetwork
from bpnp_ros.network.pose_weights import pose_weights
from bpnp_ros.optimal_transport.assignment import assignment
from bpnp_ros.pnp.ransac import MIN_PAIRS, initial_poses
from bpnp_ros.pnp.weighted_pnp import weighted_pnp
from training.datasets.sample import Batch, collate
from training.datasets.source import Epoch

ESTIMATES = ("theta0", "theta", "LM")
"""RANSAC's pose, the paper's refinement of it, and Levenberg-Marquardt's on its inliers."""
TRUTH = "truth"
LM_INLIER_DEG = 1.0
INLIER_DEG = 0.1
Row = dict[str, float]


class Solution(NamedTuple):
    """theta0, theta: (1, 6), of no meaning where RANSAC found no pose. found: (1,), boolean."""

    theta0: Tensor
    theta: Tensor
    found: Tensor


def measured(
    network: MatchingNetwork, samples: Epoch, matcher: str = "sinkhorn", detectability: bool = False
) -> Iterator[Row]:
    """Solve sample after sample with a network, as in testing; one row a sample."""
    network.eval()
    solver = partial(solve, network, matcher=matcher, detectability=detectability)
    return judged(solver, samples, next(network.parameters()).device)


def judged(
    solver: Callable[[Batch], Solution], samples: Epoch, device: torch.device
) -> Iterator[Row]:
    """Let `solver` find the pose of each sample, alone on the device, and tell how good it is.

    Where no pose was found its errors are infinite and its inliers none.
    """
    for index in range(len(samples)):
        batch = Batch(*(tensor.to(device) for tensor in collate([samples[index]])))
        with torch.no_grad():
            started = time.perf_counter()
            *thetas, found = solver(batch)
            seconds = time.perf_counter() - started
            exact = Batch(*(t.double() if t.is_floating_point() else t for t in batch))
            theta0, theta = (t.double().where(found[:, None], math.nan) for t in thetas)
            poses = dict(zip(ESTIMATES, (theta0, theta, refined(theta0, exact)), strict=True))
            poses[TRUTH] = torch.cat([so3_log(exact.R), exact.t], dim=1)
            yield {"sample": index, **_about(exact), "seconds": seconds, **_figures(exact, poses)}


def solve(network: MatchingNetwork, batch: Batch, matcher: str, detectability: bool) -> Solution:
    """The poses of a batch of one."""
    counts = batch.num_points_2d, batch.num_points_3d
    matching = network(*batch.inputs(detectability))
    if matcher != "sinkhorn":
        matching = matching._replace(P=assigned(matching.distance), log_plan=None)
    theta0, found = initial_poses(matching.P, batch.p2d, batch.p3d, *counts)
    W = pose_weights(matching, batch.p2d, batch.p3d, theta0)
    return Solution(theta0, weighted_pnp(W, batch.p2d, batch.p3d, theta0), found)


def assigned(distance: Tensor) -> Tensor:
    """The plan (1, M, N) that gives every point of the smaller set one partner (Hungarian)."""
    rows, columns = assignment(distance[0].double().cpu().numpy())
    P = torch.zeros_like(distance)
    P[0, rows, columns] = 1 / max(len(rows), 1)
    return P


def refined(theta0: Tensor, batch: Batch) -> Tensor:
    """Levenberg-Marquardt on the pairs within 1 degree of theta0 (1, 6); NaN without 4 of them."""
    pairs = agreeing_pairs(theta0, batch.p2d, batch.p3d, LM_INLIER_DEG)[0].nonzero(as_tuple=True)
    if len(pairs[0]) < MIN_PAIRS:
        return torch.full_like(theta0, math.nan)
    xy, points = (t[0, rows].cpu().numpy() for t, rows in zip(batch[:2], pairs, strict=True))
    return torch.from_numpy(opencv.refine_lm(xy, points, theta0[0].cpu().numpy())).to(theta0)[None]


def _about(batch: Batch) -> Row:
    return {
        "points_2d": batch.p2d.shape[1],
        "points_3d": batch.p3d.shape[1],
        "pairs": int((batch.partner >= 0).sum()),
    }


def _figures(batch: Batch, thetas: dict[str, Tensor]) -> Row:
    row: Row = {}
    C = batch.C
    for name, theta in thetas.items():
        errors = {
            "rotation_deg": rotation_error_deg(theta, batch.R),
            "translation": translation_error(theta, batch.t),
            "reprojection_deg": reprojection_error(theta, batch.p2d, batch.p3d, C).rad2deg(),
        }
        for what, error in errors.items():
            row[f"{name}_{what}"] = float(np.nan_to_num(float(error), nan=math.inf))
        row[f"{name}_inliers"] = int(pairs_within(theta, batch.p2d, batch.p3d, INLIER_DEG))
        row |= {f"{name}_{i}": float(value) for i, value in enumerate(theta[0])}
    return row
