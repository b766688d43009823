"""What a pose is worth: how well it explains all keypoints, given who they probably are."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bpnp_ros.pnp.mixture import DOUBT, SIGMA, log_likelihoods

AHEAD = torch.zeros(1, 6)


def scene(count: int = 40) -> tuple[Tensor, Tensor]:
    """Points in front of a camera at the origin, and their images."""
    random = torch.Generator().manual_seed(0)
    points = 2 * torch.rand(count, 3, generator=random) + torch.tensor([-1.0, -1, 3])
    return points[:, :2] / points[:, 2:], points


def sure(count: int) -> Tensor:
    """The plan that knows every pair."""
    return torch.cat([torch.eye(count), torch.zeros(count, 1)], dim=1)


def test_it_is_the_density_of_the_mixture_against_that_of_clutter() -> None:
    points = torch.tensor([[0.0, 0, 2], [1, 2, 2]])
    xy = torch.tensor([[SIGMA, 0], [0.5, 1.0]])
    plan = torch.tensor([[0.6, 0.1, 0.3], [0.0, 0.0, 1.0]])
    gauss = (0.5 - SIGMA) / (2 * math.pi * SIGMA**2)  # the area of the keypoints, times the peak
    first = (
        0.3 * (1 - 2 * DOUBT) + DOUBT + (0.6 * (1 - 2 * DOUBT) + DOUBT / 2) * gauss / math.e**0.5
    )
    second = (1 - 2 * DOUBT) + DOUBT + DOUBT / 2 * gauss
    nats = log_likelihoods(plan, xy, points, AHEAD)
    assert float(nats) == pytest.approx(math.log(first) + math.log(second), rel=1e-4)


@pytest.mark.parametrize("axis", range(6))
def test_the_true_pose_is_worth_more_than_one_beside_it(axis: int) -> None:
    xy, points = scene()
    beside = AHEAD.clone()
    beside[0, axis] = 0.2
    here, there = log_likelihoods(sure(40), xy, points, torch.cat([AHEAD, beside]))
    assert here > there + 50


def test_points_that_the_plan_has_overlooked_speak_for_a_pose_too() -> None:
    xy, points = scene()
    ignorant = torch.full((40, 41), 1 / 41)
    wrong = sure(40)[torch.randperm(40, generator=torch.Generator().manual_seed(1))]
    away = AHEAD + torch.tensor([0, 0, 0, 0.3, 0, 0])
    for plan in (ignorant, wrong):
        here, there = log_likelihoods(plan, xy, points, torch.cat([AHEAD, away]))
        assert here > there + 20


def test_what_is_behind_the_camera_explains_nothing() -> None:
    xy, points = scene()
    turned = torch.tensor([[0, math.pi, 0, 0, 0, 0]])
    assert float(log_likelihoods(sure(40), xy, points, turned)) == pytest.approx(
        40 * math.log(DOUBT), rel=1e-4
    )
