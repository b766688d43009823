from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.pnp.losses import (
    PoseLoss,
    batch_has_pose,
    correspondence_loss,
    log_likelihood_loss,
    pose_loss,
    total_loss,
)


def pose(*theta: float) -> Tensor:
    return torch.tensor([theta], dtype=torch.float64)


def loss_against_origin(theta: Tensor) -> PoseLoss:
    eye = torch.eye(3, dtype=torch.float64)
    return pose_loss(theta, eye.expand(len(theta), 3, 3), torch.zeros_like(theta[:, 3:]))


def test_a_perfect_plan_has_loss_minus_one_and_a_wrong_one_plus_one() -> None:
    C = torch.eye(4)[None]
    assert correspondence_loss(C / 4, C) == -1
    assert correspondence_loss(C.roll(1, 2) / 4, C) == 1


def test_the_log_likelihood_counts_true_pairs_and_points_that_stay_alone() -> None:
    """Pair (0, 1); keypoint 1 and point 0 are alone; keypoint 2 and point 2 are padding."""
    C = torch.zeros(1, 3, 3)
    C[0, 0, 1] = 1
    true = torch.tensor([[True, True, False]])
    log_plan = torch.full((1, 4, 4), torch.finfo().min)
    log_plan[0, 0, 1], log_plan[0, 1, 3], log_plan[0, 3, 0] = -1.0, -2.0, -6.0
    assert log_likelihood_loss(log_plan, C, true, true).item() == pytest.approx(3)
    nothing = torch.zeros_like(true)
    assert log_likelihood_loss(log_plan, 0 * C, nothing, nothing).item() == 0


def test_the_pose_loss_is_angle_and_distance() -> None:
    loss = loss_against_origin(pose(0.3, 0.0, 0.4, 0.0, 0.6, 0.0))
    assert loss.rotation.item() == pytest.approx(0.5)
    assert loss.translation.item() == pytest.approx(0.6)
    assert total_loss(torch.tensor(0.25), loss, gamma=2).item() == pytest.approx(0.25 + 2 * 1.1)
    assert total_loss(torch.tensor(0.25), None).item() == 0.25


def test_errors_above_their_limit_count_as_the_limit_and_pull_no_more() -> None:
    theta = pose(3.0, 0.0, 0.0, 50.0, 0.0, 0.0).requires_grad_()
    loss = loss_against_origin(theta)
    (loss.rotation + loss.translation).backward()
    assert loss.rotation.item() == pytest.approx(math.pi / 2)
    assert loss.translation.item() == 1
    assert theta.grad is not None and (theta.grad == 0).all()


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-6, 1e-3])
def test_the_gradient_stays_finite_down_to_a_perfect_pose(angle: float) -> None:
    theta = pose(angle, 0.0, 0.0, 0.0, 0.0, 0.0).requires_grad_()
    loss = loss_against_origin(theta)
    (loss.rotation + loss.translation).backward()
    assert theta.grad is not None and theta.grad.isfinite().all() and theta.grad.norm() < 1.1


def test_the_gradient_is_finite_at_half_a_turn() -> None:
    theta = pose(0.0, 0.0, 0.0, 0.0, 0.0, 0.0).requires_grad_()
    half_turn = so3_exp(pose(math.pi, 0.0, 0.0)[:, :3])
    pose_loss(theta, half_turn, torch.zeros(1, 3)).rotation.backward()
    assert theta.grad is not None and theta.grad.isfinite().all()


def test_a_batch_with_a_set_of_three_points_has_no_pose() -> None:
    assert batch_has_pose(torch.tensor([4, 9]), torch.tensor([[5], [4]]))
    assert not batch_has_pose(torch.tensor([4, 3]), torch.tensor([5, 5]))
    assert not batch_has_pose(torch.tensor([4, 4]), torch.tensor([5, 3]))
