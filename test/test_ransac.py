from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bpnp_ros.errors import ConfigError
from bpnp_ros.geometry.rotation import rotation_angle, so3_exp
from bpnp_ros.geometry.transform import T_map_camera_from_theta
from bpnp_ros.pnp.ransac import (
    REFERENCE_SETTINGS,
    RansacPose,
    RansacSettings,
    initial_poses,
    poses_on_the_device,
    ransac,
)

Array = NDArray[np.float64]

BOTH = pytest.mark.parametrize(
    "settings", [RansacSettings(max_iterations=20_000), REFERENCE_SETTINGS], ids=["ours", "paper"]
)
THETA = np.array([0.3, -0.5, 0.2, 0.1, -0.2, 4.5])


def pairs(count: int, true_share: float, seed: int = 0) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Noisy pairs of a view from THETA, the true ones first more often than not."""
    rng = np.random.default_rng(seed)
    points = 0.5 * rng.standard_normal((count, 3))
    xy = project(points) + 0.0025 * rng.standard_normal((count, 2))
    chance = np.exp(-3 * np.arange(count) / count)
    true = np.zeros(count, bool)
    true[rng.choice(count, int(true_share * count), replace=False, p=chance / chance.sum())] = True
    xy[~true] = rng.uniform(-0.4, 0.4, (count, 2))[~true]
    return xy, points, true


def project(points: Array) -> Array:
    R = so3_exp(torch.from_numpy(THETA[:3])).numpy()
    q = points @ R.T + THETA[3:]
    projected: Array = q[:, :2] / q[:, 2:]
    return projected


def is_right(pose: RansacPose | None) -> bool:
    if pose is None:
        return False
    R, R_true = (so3_exp(torch.from_numpy(theta[:3])) for theta in (pose.theta, THETA))
    angle = float(torch.rad2deg(rotation_angle(R, R_true)))
    return angle < 2 and float(np.linalg.norm(pose.theta[3:] - THETA[3:])) < 0.1


@BOTH
def test_a_pose_is_found_among_half_wrong_pairs(settings: RansacSettings) -> None:
    xy, points, true = pairs(200, 0.5)
    pose = ransac(xy, points, settings)
    assert pose is not None and is_right(pose)
    assert (pose.inliers & true).sum() > 0.95 * true.sum()
    expected = T_map_camera_from_theta(torch.from_numpy(pose.theta)).numpy()
    np.testing.assert_allclose(pose.T_map_camera, expected)


def test_one_true_pair_in_twenty_is_enough_for_ours_and_too_few_for_the_papers() -> None:
    seeds = range(4)
    ours = [ransac(*pairs(300, 0.05, seed)[:2]) for seed in seeds]
    papers = [ransac(*pairs(300, 0.05, seed)[:2], REFERENCE_SETTINGS) for seed in seeds]
    assert sum(map(is_right, ours)) >= 3
    assert sum(map(is_right, papers)) <= 2


def test_the_same_pairs_give_the_same_pose() -> None:
    xy, points, _ = pairs(200, 0.3)
    first, second = ransac(xy, points), ransac(xy, points)
    assert first is not None and second is not None
    np.testing.assert_array_equal(first.theta, second.theta)


@BOTH
def test_inliers_are_within_the_threshold_of_the_pose_and_in_front(
    settings: RansacSettings,
) -> None:
    xy, points, _ = pairs(200, 0.5)
    centre = -so3_exp(torch.from_numpy(THETA[:3])).numpy().T @ THETA[3:]
    points = np.concatenate([points, 2 * centre - points])
    xy = np.concatenate([xy, xy])
    pose = ransac(xy, points, settings)
    assert pose is not None and is_right(pose)
    assert not pose.inliers[200:].any()
    error = np.linalg.norm(project(points[pose.inliers]) - xy[pose.inliers], axis=1)
    assert error.max() < 1.5 * settings.threshold


@BOTH
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_fewer_than_four_pairs_are_no_pose(settings: RansacSettings, count: int) -> None:
    xy, points, _ = pairs(4, 1.0)
    assert ransac(xy[:count], points[:count], settings) is None


@BOTH
def test_four_true_pairs_are_a_pose_unless_more_are_asked_for(settings: RansacSettings) -> None:
    rng = np.random.default_rng(3)
    points = rng.uniform(-1, 1, (4, 3))
    pose = ransac(project(points), points, settings)
    assert pose is not None and pose.inliers.all()
    demanding = RansacSettings(solver=settings.solver, max_iterations=1000, min_inliers=5)
    assert ransac(project(points), points, demanding) is None


@BOTH
def test_one_point_repeated_is_no_pose(settings: RansacSettings) -> None:
    xy, points, _ = pairs(1, 1.0)
    assert ransac(xy.repeat(50, 0), points.repeat(50, 0), settings) is None
    many_points, many_xy = np.linspace(1, 9, 50)[:, None] * points, xy.repeat(50, 0)
    assert ransac(many_xy, many_points, settings) is None


@BOTH
def test_random_pairs_are_no_pose_when_many_inliers_are_asked_for(settings: RansacSettings) -> None:
    xy, points, _ = pairs(100, 0.0)
    demanding = RansacSettings(solver=settings.solver, max_iterations=1000, min_inliers=30)
    assert ransac(xy, points, demanding) is None


@BOTH
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pairs_that_are_not_finite_are_left_out(settings: RansacSettings, value: float) -> None:
    xy, points, _ = pairs(200, 0.6)
    xy[::7] = value
    points[3::7, 1] = value
    pose = ransac(xy, points, settings)
    assert pose is not None and is_right(pose)
    assert not pose.inliers[::7].any() and not pose.inliers[3::7].any()
    assert ransac(np.full_like(xy, value), points, settings) is None


def test_wrong_settings_are_named() -> None:
    with pytest.raises(ConfigError, match="magsac"):
        RansacSettings(solver="magsac")
    with pytest.raises(ConfigError, match="threshold"):
        RansacSettings(threshold=0.0)


def test_a_batch_starts_from_ransac_and_marks_where_it_failed() -> None:
    xy, points, true = pairs(40, 0.8)
    P = torch.zeros(2, 40, 40, dtype=torch.float64)
    P[0].diagonal().copy_(torch.from_numpy(np.where(true, 0.02, 0.01)))
    p2d, p3d = (torch.from_numpy(a).expand(2, -1, -1) for a in (xy, points))
    counts = torch.tensor([40, 40])
    theta0, found = initial_poses(P, p2d, p3d, counts, counts, RansacSettings())
    assert found.tolist() == [True, False]
    assert is_right(RansacPose(theta0[0].numpy(), true))
    assert (theta0[1] == 0).all()


Plan = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def a_plan(sets: list[tuple[Array, Array]], padded: int) -> Plan:
    """A plan that holds the pairs likely, the first most, with sets and counts."""
    P, counts = torch.zeros(len(sets), padded, padded), torch.tensor([len(xy) for xy, _ in sets])
    p2d, p3d = torch.zeros(len(sets), padded, 2), torch.zeros(len(sets), padded, 3)
    for b, (xy, points) in enumerate(sets):
        rows = torch.arange(len(xy))
        P[b, rows, rows] = 1 / (1 + rows)
        p2d[b, rows], p3d[b, rows] = torch.from_numpy(xy).float(), torch.from_numpy(points).float()
    return P, p2d, p3d, counts, counts


def test_what_a_gpu_runs_finds_what_the_processor_finds() -> None:
    few, many = pairs(60, 0.7, seed=1), pairs(200, 0.2, seed=2)
    rng = np.random.default_rng(3)
    nothing = rng.uniform(-0.4, 0.4, (80, 2)), rng.standard_normal((80, 3))
    plan = a_plan([few[:2], nothing, many[:2]], 200)
    theta, found = poses_on_the_device(*plan, RansacSettings())
    expected, found_before = initial_poses(*plan, RansacSettings(max_iterations=20_000))
    assert found[0] and found[2] and found_before[0] and found_before[2]
    for b in (0, 2):
        pose = RansacPose(theta[b].double().numpy(), np.ones(1, bool))
        assert is_right(pose) and (theta[b] - expected[b]).abs().max() < 0.02
    same = poses_on_the_device(*plan, RansacSettings())
    assert torch.equal(theta, same[0])


def test_a_plan_without_candidates_has_no_pose_on_a_gpu() -> None:
    P, p2d, p3d, *counts = a_plan([pairs(20, 0.9)[:2]], 20)
    P = torch.full_like(P, torch.nan)
    theta, found = poses_on_the_device(P, p2d, p3d, counts[0], counts[1], RansacSettings())
    assert not found.any() and not theta.any()
