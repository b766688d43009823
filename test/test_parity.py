"""The core agrees with the reference implementation, in float64, on vectors it produced.

BPNP_PARITY_VECTORS names another file of the same format, to be used instead of data/parity.npz.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bpnp_ros.evaluation.pose_errors import (
    pairs_within,
    reprojection_error,
    rotation_error_deg,
    translation_error,
)
from bpnp_ros.network.bpnpnet import BPnPNet, Matching
from bpnp_ros.optimal_transport.sinkhorn import sinkhorn
from bpnp_ros.pnp.losses import correspondence_loss, pose_loss, total_loss
from bpnp_ros.pnp.weighted_pnp import objective, weighted_pnp
from experiments.gpu_check.checks import fill_weights

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def v() -> dict[str, Tensor]:
    path = os.environ.get("BPNP_PARITY_VECTORS") or DATA / "parity.npz"
    with np.load(path, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


@pytest.fixture(scope="module")
def matching(v: dict[str, Tensor]) -> Matching:
    network = BPnPNet().double().eval()
    fill_weights(network, seed=int(v["seed"]))
    counts = v["net_num_points_2d"], v["net_num_points_3d"]
    with torch.no_grad():
        result: Matching = network(v["net_p2d"], v["net_p3d"], *counts)
    return result


@cache
def reference_shapes() -> dict[str, str]:
    lines = (DATA / "state_dict_keys.txt").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)


def assert_equal(actual: Tensor, expected: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance)


def test_sinkhorn_gives_the_plan_of_the_reference(v: dict[str, Tensor]) -> None:
    P = sinkhorn(v["sinkhorn_M"], v["sinkhorn_r"], v["sinkhorn_c"])
    assert_equal(P, v["sinkhorn_P"], 1e-8)


def test_sinkhorn_gives_the_gradient_of_the_reference(v: dict[str, Tensor]) -> None:
    M = v["sinkhorn_M"].clone().requires_grad_()
    P = sinkhorn(M, v["sinkhorn_r"], v["sinkhorn_c"])
    (gradient,) = torch.autograd.grad(P, M, v["sinkhorn_grad_P"])
    assert_equal(gradient, v["sinkhorn_grad_M"], 1e-8)


def test_the_network_has_the_weights_of_the_reference() -> None:
    network = BPnPNet()
    shapes = {key: str(tuple(value.shape)) for key, value in network.state_dict().items()}
    assert shapes == reference_shapes()
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_992_841


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("alignment", "net_stn"),
        ("features_2d", "net_features_2d"),
        ("features_3d", "net_features_3d"),
        ("distance", "net_distance"),
        ("P", "net_P"),
    ],
)
def test_the_network_computes_what_the_reference_does(
    v: dict[str, Tensor], matching: Matching, ours: str, theirs: str
) -> None:
    assert_equal(getattr(matching, ours), v[theirs], 1e-8)


def test_weighted_pnp_reaches_the_pose_and_objective_of_the_reference(v: dict[str, Tensor]) -> None:
    problem = v["wpnp_W"], v["wpnp_p2d"], v["wpnp_p3d"]
    theta = weighted_pnp(*problem, v["wpnp_theta0"])
    assert_equal(theta, v["wpnp_theta"], 1e-4)
    assert (objective(*problem, theta) <= v["wpnp_objective"] + 1e-10).all()


def test_weighted_pnp_gives_the_gradient_of_the_reference(v: dict[str, Tensor]) -> None:
    """Where the reference's own gradient is inexact, finite differences must take our side."""
    ours, slopes = wpnp_gradient(v), wpnp_finite_differences(v)
    theirs = v["wpnp_grad_W"]
    cosine = torch.cosine_similarity(ours.flatten(1), theirs.flatten(1))
    ratio = ours.flatten(1).norm(dim=1) / theirs.flatten(1).norm(dim=1)
    equal = (cosine >= 0.999) & ((ratio - 1).abs() < 0.01)
    assert relative_error(ours, slopes).max() < 1e-4
    assert (equal | (relative_error(theirs, slopes) > 1e-2)).all()


def wpnp_gradient(v: dict[str, Tensor]) -> Tensor:
    W = v["wpnp_W"].clone().requires_grad_()
    theta = weighted_pnp(W, v["wpnp_p2d"], v["wpnp_p3d"], v["wpnp_theta0"])
    (gradient,) = torch.autograd.grad(theta, W, v["wpnp_grad_theta"])
    return gradient


def wpnp_finite_differences(v: dict[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Random directions in W, (B, M, N), and the slope of grad_theta . theta along each, (B,)."""
    W, generator, slopes = v["wpnp_W"], torch.Generator().manual_seed(1), []
    for _ in range(8):
        sign = torch.randn(W.shape, dtype=W.dtype, generator=generator).sign()
        step = 1e-3 * W * sign
        ahead, behind = (
            weighted_pnp(W + way * step, v["wpnp_p2d"], v["wpnp_p3d"], v["wpnp_theta"])
            for way in (1, -1)
        )
        slopes.append((step, ((ahead - behind) * v["wpnp_grad_theta"]).sum(1) / 2))
    return slopes


def relative_error(gradient: Tensor, slopes: list[tuple[Tensor, Tensor]]) -> Tensor:
    """How far a gradient is from finite differences over all directions, (B,)."""
    predicted = torch.stack([(gradient * step).sum((1, 2)) for step, _ in slopes])
    measured = torch.stack([slope for _, slope in slopes])
    return (predicted - measured).norm(dim=0) / measured.norm(dim=0)


def test_the_losses_are_those_of_the_reference(v: dict[str, Tensor]) -> None:
    correspondence = correspondence_loss(v["net_P"], v["loss_C"])
    pose = pose_loss(v["loss_theta"], v["net_R_gt"], v["net_t_gt"])
    assert_equal(correspondence, v["loss_correspondence"], 1e-10)
    assert_equal(pose.rotation, v["loss_rotation"], 1e-10)
    assert_equal(pose.translation, v["loss_translation"], 1e-10)
    assert_equal(total_loss(correspondence, pose), v["loss_total"], 1e-10)


def test_the_error_measures_are_those_of_the_reference(v: dict[str, Tensor]) -> None:
    theta, p2d, p3d = v["loss_theta"], v["net_p2d"], v["net_p3d"]
    assert_equal(rotation_error_deg(theta, v["net_R_gt"]), v["err_rotation_deg"], 1e-10)
    assert_equal(translation_error(theta, v["net_t_gt"]), v["err_translation"], 1e-10)
    reprojection = reprojection_error(theta, p2d, p3d, v["loss_C"])
    assert_equal(reprojection, v["err_reprojection"], 1e-10)
    assert pairs_within(theta, p2d, p3d, 1.0).tolist() == v["inliers_1deg"].tolist()
