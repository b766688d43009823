"""Poses pulled onto the keypoints."""

from __future__ import annotations

import torch
from rooms import View, fresh_views, rooms

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.localizer.descent.local_optimisation import keep_best, local_optimisation


def settled(view: View, start: torch.Tensor) -> tuple[float, float]:
    """Metres and radians that remain of a start (1, 4, 4)."""
    candidates = local_optimisation(rooms(), Candidates.of(start, "test"), view.frame, seed=0)
    best = keep_best(rooms(), candidates, view.frame, view.frame.sigma, 1)
    distance, angle = apart(best.T_map_camera, view.recentred[0])
    return float(distance), float(angle)


def test_a_pose_that_is_half_way_there_is_followed_to_the_end() -> None:
    away, turned = torch.tensor([[0.7, 0.0, 0.7]]), torch.tensor([[0.0, -0.25, 0.0]])
    offset = make_transform(so3_exp(turned), away)
    left = [settled(view, view.recentred @ offset) for view in fresh_views(6, seed=5)]
    assert sum(metres < 0.05 and angle < 0.02 for metres, angle in left) >= 5


def test_a_pose_that_is_right_stays_where_it_is() -> None:
    left = [settled(view, view.recentred) for view in fresh_views(6, seed=5)]
    assert all(metres < 0.03 and angle < 0.01 for metres, angle in left)
