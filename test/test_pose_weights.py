"""Weighted PnP on what RANSAC's pose explains betters that pose, also among outliers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import rotation_angle, so3_exp
from bpnp_ros.network.matching import Matching
from bpnp_ros.network.pose_weights import agreement, pose_weights
from bpnp_ros.pnp.ransac import initial_poses
from bpnp_ros.pnp.weighted_pnp import weighted_pnp
from bpnp_ros.weights.bpnpnet_file import any_map_weights, load_bpnpnet

THETA = torch.tensor([[0.1, -0.2, 0.05, 0.1, -0.1, 3.0]])


def seen(p3d: Tensor) -> Tensor:
    q = p3d @ so3_exp(THETA[:, :3]).transpose(1, 2) + THETA[:, None, 3:]
    return q[..., :2] / q[..., 2:]


def points(count: int = 20) -> Tensor:
    return torch.randn(1, count, 3, generator=torch.Generator().manual_seed(2))


def test_a_pair_agrees_fully_on_the_spot_and_not_at_all_from_the_threshold_on() -> None:
    p3d = points()
    offsets = torch.tensor([0.0, 0.005, 0.0099, 0.0101, 1.0])
    for offset in offsets:
        p2d = seen(p3d) + torch.stack([offset, torch.zeros(())])
        pairs = agreement(p2d, p3d, THETA).diagonal(dim1=1, dim2=2)
        expected = (1 - (offset / 0.01) ** 2).clamp_min(0) ** 2
        torch.testing.assert_close(pairs, expected.expand(1, 20), rtol=0, atol=1e-3)


def test_what_is_behind_the_camera_agrees_with_nothing() -> None:
    p3d = points()
    centre = -(so3_exp(THETA[0, :3]).T @ THETA[0, 3:])
    assert agreement(seen(p3d), 2 * centre - p3d, THETA).max() == 0
    assert agreement(seen(p3d) * torch.nan, p3d, THETA).max() == 0


def test_without_a_dustbin_the_plan_itself_weighs_as_in_the_paper() -> None:
    P = torch.rand(1, 20, 20)
    matching = Matching(P, P, P, P)
    assert pose_weights(matching, seen(points()), points(), THETA) is P


@pytest.mark.parametrize("rate", [0.0, 0.25])
def test_it_betters_ransacs_pose_in_the_median_on_scenes_never_seen(rate: float) -> None:
    simulated = pytest.importorskip("training.datasets.simulated")
    from training.datasets.sample import collate
    from training.datasets.source import Epoch

    network, errors = load_bpnpnet(any_map_weights()), []
    scenes = Epoch(simulated.SimulatedScenes("test", rate), seed=11)
    for index in range(16):
        batch = collate([scenes[index].thinned(128, np.random.default_rng(index))])
        with torch.no_grad():
            matching = network(*batch.inputs(False))
            theta0, found = initial_poses(
                matching.P, batch.p2d, batch.p3d, batch.num_points_2d, batch.num_points_3d
            )
            W = pose_weights(matching, batch.p2d, batch.p3d, theta0)
            poses = theta0, weighted_pnp(W, batch.p2d, batch.p3d, theta0)
        if found:
            angles = [rotation_angle(so3_exp(pose[:, :3]), batch.R) for pose in poses]
            errors.append([float(angle) for angle in angles])
    before, after = np.median(errors, axis=0)
    assert after < 0.8 * before
