"""What speaks for a pose, and how probably it is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from halls import closed_hall, frame_at, judged, recentred, standing

from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.distinct import distinct
from bpnp_ros.localizer.evidence.evidence import Evidence
from bpnp_ros.localizer.evidence.neighbourhood import TRIED, around
from bpnp_ros.localizer.evidence.probability import false_pose_probability
from bpnp_ros.localizer.types import Fix

HERE = standing(10, 6, 0.4)
STRONG = Evidence(200.0, 60.0, 500.0, 35.0, 0.7, 0.6, 0.6, 80, is_open=False, is_tracked=False)


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("worse", [{"rival": 190.0}, {"nats": 70.0}, {"owed": 199.0}])
def test_the_smaller_its_lead_the_more_probably_a_pose_is_wrong(
    worse: dict[str, float], is_open: bool
) -> None:
    strong = replace(STRONG, is_open=is_open)
    weak = replace(strong, **worse)  # type: ignore[arg-type]
    assert false_pose_probability(strong) < 1e-3 < false_pose_probability(weak) < 1


AGREED = Evidence(26.0, 12.0, 60.0, 16.0, 0.9, 0.7, 1.0, 5, is_open=True, is_tracked=False)
ELSEWHERE = {
    "poles of another orchard": (34.0, 27.2, 46.0, 19.9, 0.85, 0.83, 10),
    "lamps of another street": (23.8, 16.2, 48.0, 17.2, 0.9, 0.87, 10),
    "cones of another track": (51.0, 38.3, 191.0, 22.9, 0.75, 0.73, 21),
    "another room": (32.6, 20.2, 108.0, 18.6, 0.45, 0.31, 59),
}
"""Nats, rival, contested, owed, seen, explained and keypoints of the likeliest poses of cameras
that were elsewhere; of some 130 frames each."""


@pytest.mark.parametrize("which", ELSEWHERE)
def test_what_is_seen_elsewhere_is_not_believed_of_few_landmarks(which: str) -> None:
    nats, rival, contested, owed, seen, explained, keypoints = ELSEWHERE[which]
    sums = replace(AGREED, nats=nats, rival=rival, contested=contested, owed=owed)
    lost = replace(sums, seen=seen, explained=explained, keypoints=keypoints)
    assert false_pose_probability(lost) > 1e-3


def test_five_keypoints_that_agree_with_all_that_is_in_view_are_believed() -> None:
    assert false_pose_probability(AGREED) < 1e-3


def test_a_pose_that_is_right_about_one_plane_alone_is_wrong() -> None:
    assert false_pose_probability(replace(STRONG, beside=0.02)) > 0.5
    assert false_pose_probability(replace(STRONG, beside=0.3)) < 1e-3


def test_a_lead_counts_for_less_where_the_rival_explains_what_the_pose_does_not() -> None:
    """Ten keypoints more for one of two poses, once with a hundred others for either of them."""
    agreed = replace(STRONG, nats=440.0, rival=400.0, contested=10 * 4.0**2)
    fought = replace(agreed, contested=110 * 4.0**2)
    assert agreed.lead == pytest.approx(40)
    assert fought.lead == pytest.approx(40 * 10 / 110)


def test_a_fix_tells_what_speaks_for_it() -> None:
    answer = judged(closed_hall(), [HERE], frame_at(HERE, np.random.default_rng(0), 0.3, 0.3))
    assert isinstance(answer, Fix) and answer.evidence is not None
    assert answer.evidence.nats == answer.log_likelihood_ratio
    assert answer.evidence.seen == pytest.approx(0.7, abs=0.1)
    assert false_pose_probability(answer.evidence) == answer.false_pose_probability


@pytest.mark.parametrize("seed", range(3))
def test_around_a_pose_that_is_some_decimetres_off_the_right_one_is_found(seed: int) -> None:
    """From there itself the keypoints pull into an optimum beside it."""
    model, beside = closed_hall(), HERE.copy()
    beside[:2, 3] += 0.3
    frame = frame_at(HERE, np.random.default_rng(seed), 0.3, 0.3)
    found = around(model, Candidates.of(recentred(model, beside), "test"), frame).T_map_camera
    error = (found[:, :3, 3] - recentred(model, HERE)[:, :3, 3]).norm(dim=1)
    assert len(found) == TRIED and error.min() < 0.02


def test_of_poses_that_are_close_the_best_is_kept() -> None:
    poses = torch.eye(4).repeat(4, 1, 1)
    poses[:, 0, 3] = torch.tensor([0.0, 0.1, 1.0, 1.05])
    assert distinct(poses, 0.2, 0.1, 10).tolist() == [0, 2]
    assert distinct(poses, 0.2, 0.1, 1).tolist() == [0]
    poses[1, :3, :3] = torch.diag(torch.tensor([-1.0, -1.0, 1.0]))
    assert distinct(poses, 0.2, 0.1, 10).tolist() == [0, 1, 2]
