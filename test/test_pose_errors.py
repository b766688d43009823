from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bpnp_ros.evaluation.pose_errors import (
    pairs_within,
    reprojection_error,
    rotation_error_deg,
    translation_error,
)

P2D = torch.tensor([[[0.0, 0.0], [1.0, 0.0]]], dtype=torch.float64)
P3D = torch.tensor([[[0.0, 0.0, 2.0], [2.0, 0.0, 2.0]]], dtype=torch.float64)


def turned(degrees: float) -> Tensor:
    return torch.tensor([[0.0, math.radians(degrees), 0.0, 0, 0, 0]], dtype=torch.float64)


def test_rotation_and_translation_errors_are_degrees_and_map_units() -> None:
    theta = turned(30)
    theta[0, 3:] = torch.tensor([0.0, 3.0, 4.0])
    R, t = torch.eye(3, dtype=torch.float64)[None], torch.zeros(1, 3)
    assert rotation_error_deg(theta, R).item() == pytest.approx(30)
    assert translation_error(theta, t).item() == pytest.approx(5)


@pytest.mark.parametrize("degrees", [0.0, 1e-6, 0.5, 20.0])
def test_a_turn_of_the_camera_is_the_reprojection_error(degrees: float) -> None:
    C = torch.eye(2)[None]
    error = reprojection_error(turned(degrees), P2D, P3D, C)
    assert error.item() == pytest.approx(math.radians(degrees), rel=1e-6, abs=1e-12)


def test_only_true_pairs_count_in_the_reprojection_error() -> None:
    crossed = torch.tensor([[[0.0, 1.0], [0.0, 0.0]]])
    error = reprojection_error(turned(0), P2D, P3D, crossed)
    assert error.item() == pytest.approx(math.pi / 4)


def test_an_item_without_true_pairs_has_no_reprojection_error() -> None:
    both = reprojection_error(
        turned(0).expand(2, 6),
        P2D.expand(2, 2, 2),
        P3D.expand(2, 2, 3),
        torch.stack([torch.eye(2), torch.zeros(2, 2)]),
    )
    assert both[0] == 0 and both[1].isnan()


def test_pairs_within_an_angle_are_counted_over_all_pairs() -> None:
    assert pairs_within(turned(0), P2D, P3D, 1.0).tolist() == [2]
    assert pairs_within(turned(2), P2D, P3D, 1.0).tolist() == [0]
    assert pairs_within(turned(0), P2D, P3D, 46.0).tolist() == [4]
