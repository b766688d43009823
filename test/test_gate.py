"""What the gate lets pass: a pose that the frame shows, that can be, and that is the only one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from halls import CONFIG, closed_hall, frame_at, frame_of, judged, open_hall, recentred, standing
from landmarks import CAMERA

from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.local_optimisation import polish
from bpnp_ros.localizer.evidence.sight import INLIER_SIGMAS
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.gate import Gate, verify
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.from_points import model_from_points
from bpnp_ros.map_model.map_model import MapModel

MAPS = pytest.mark.parametrize("model", [open_hall(), closed_hall()], ids=["open", "closed"])
HERE = standing(10, 6, 0.4)


def some_frame(seed: int = 0, missed: float = 0.1, clutter: float = 0.3) -> Frame:
    return frame_at(HERE, np.random.default_rng(seed), missed, clutter)


def refused(answer: Fix | Rejection, category: Category) -> str:
    assert isinstance(answer, Rejection) and answer.category is category, answer
    return answer.message


@MAPS
def test_the_pose_that_a_frame_was_taken_from_is_a_fix(model: MapModel) -> None:
    answer = judged(model, [standing(3, 3, -2), HERE], some_frame())
    assert isinstance(answer, Fix)
    assert np.abs(answer.T_map_camera - HERE).max() < 0.05
    assert answer.log_likelihood_ratio > 0
    assert answer.false_pose_probability <= CONFIG.false_pose_rate


@MAPS
def test_pairs_are_one_to_one_however_often_a_detector_reports_a_point(model: MapModel) -> None:
    once = some_frame(clutter=0.0)
    twice = replace(
        once,
        xy=torch.cat([once.xy, once.xy + 0.5 * once.sigma]),
        score=torch.cat([once.score, once.score]),
    )
    answer = judged(model, [HERE], twice)
    assert isinstance(answer, Fix)
    assert len(set(answer.keypoint_index.tolist())) == answer.inliers
    assert len(set(answer.point_index.tolist())) == answer.inliers


@MAPS
def test_inliers_lie_within_three_sigmas_of_their_points(model: MapModel) -> None:
    frame = some_frame()
    answer = judged(model, [HERE], frame)
    assert isinstance(answer, Fix)
    points = model.point_map.points[answer.point_index] + model.point_map.origin
    in_camera = (points - answer.T_map_camera[:3, 3]) @ answer.T_map_camera[:3, :3]
    image = in_camera[:, :2] / in_camera[:, 2:]
    error = np.linalg.norm(frame.xy.numpy()[answer.keypoint_index] - image, axis=1)
    assert error.max() < INLIER_SIGMAS * frame.sigma
    assert answer.inliers > 0.6 * len(frame.xy)
    rms = np.sqrt((error**2).mean()) / frame.frustum.pixel
    assert answer.reprojection_error_px == pytest.approx(rms, rel=1e-3)


@MAPS
def test_a_pose_where_no_camera_can_be_is_refused_though_it_explains_the_frame(
    model: MapModel,
) -> None:
    high = standing(10, 6, 0.4, z=2.4)
    frame = frame_at(high, np.random.default_rng(1))
    message = refused(judged(model, [high], frame), Category.NOT_VERIFIED)
    assert "camera_height_min" in message and "camera seems to be at (10" in message


def test_keypoints_that_leave_a_pose_open_are_ill_conditioned() -> None:
    """Twenty landmarks in a ball of 16 cm, twelve metres ahead, tell little but a direction."""
    rng = np.random.default_rng(0)
    ball = rng.normal(size=(20, 3))
    ball *= 0.08 / np.linalg.norm(ball, axis=1, keepdims=True)
    T = standing(0, 0, 0.0)
    ahead = ball + np.array([12, 0, 1.25])
    far = rng.uniform((-9, -9, 0), (-5, 9, 3), (100, 3))
    in_camera = (ahead - T[:3, 3]) @ T[:3, :3]
    pixels = (in_camera / in_camera[:, 2:]) @ CAMERA.K[:2].T + rng.normal(size=(20, 2))
    model = model_from_points(
        np.concatenate([ahead, far]), replace(CONFIG, motion="free"), torch.device("cpu")
    )
    answer = judged(model, [T], frame_of(pixels))
    assert "leave the pose open by" in refused(answer, Category.ILL_CONDITIONED)


@MAPS
@pytest.mark.parametrize("most", ["max_sigma_position", "max_sigma_angle"])
def test_a_pose_less_certain_than_asked_for_is_ill_conditioned(model: MapModel, most: str) -> None:
    demanding = replace(CONFIG, **{most: 1e-4})  # type: ignore[arg-type]
    refused(judged(model, [HERE], some_frame(), demanding), Category.ILL_CONDITIONED)


@MAPS
def test_a_frame_of_clutter_verifies_nothing(model: MapModel) -> None:
    rng = np.random.default_rng(2)
    frame = frame_of(rng.uniform((0, 0), (640, 480), (60, 2)))
    message = refused(judged(model, [HERE], frame), Category.NOT_VERIFIED)
    assert "nats" in message and "60 keypoints" in message


@MAPS
def test_two_places_that_explain_a_frame_alike_are_ambiguous(model: MapModel) -> None:
    """Half of the keypoints lie ahead of a camera, half behind it."""
    there = standing(10, 6, 0.4 + np.pi)
    here = some_frame(clutter=0.0)
    other = frame_at(there, np.random.default_rng(1))
    count = min(len(here.xy), len(other.xy))
    both = replace(
        here,
        xy=torch.cat([here.xy[:count], other.xy[:count]]),
        score=torch.cat([here.score[:count], other.score[:count]]),
    )
    message = refused(judged(model, [HERE, there], both), Category.AMBIGUOUS)
    assert "a pose elsewhere" in message


@MAPS
def test_a_pose_next_to_the_best_is_no_rival(model: MapModel) -> None:
    beside = HERE.copy()
    beside[:3, 3] += (0.05, 0.05, 0.0)
    assert isinstance(judged(model, [beside, HERE], some_frame()), Fix)


@MAPS
def test_a_pose_is_named_for_the_first_who_proposed_it_though_another_came_closer(
    model: MapModel,
) -> None:
    frame, beside = some_frame(), HERE.copy()
    beside[:3, 3] += 1e-3
    best = polish(model, Candidates.of(recentred(model, HERE), "second"), frame)
    found = Candidates.joined([Candidates.of(recentred(model, beside), "first"), best])
    answer = verify(model, found, frame, Gate.of_search(model, CONFIG), CONFIG)
    assert isinstance(answer, Fix) and answer.proposer == "first"


def test_fewer_inliers_than_asked_for_are_no_fix() -> None:
    demanding = replace(CONFIG, min_inliers=1000)
    message = refused(judged(closed_hall(), [HERE], some_frame(), demanding), Category.NOT_VERIFIED)
    assert "inliers where 1000 are asked for" in message


@MAPS
def test_a_tracked_pose_must_explain_what_the_frames_before_did(model: MapModel) -> None:
    reach = (0.5, 0.2)
    usual_of = [Gate.of_tracking(model, usual, reach, CONFIG) for usual in (10, 100, 200)]
    few, many, most = (gate.inliers for gate in usual_of)
    assert few < many < most
    assert most == pytest.approx(2 * many, abs=1)


@MAPS
def test_fewer_keypoints_of_the_map_make_a_pose_more_probably_wrong(model: MapModel) -> None:
    lax = replace(CONFIG, false_pose_rate=1.0, min_inliers=6)
    answers = [judged(model, [HERE], some_frame(missed=m, clutter=0.5), lax) for m in (0.5, 0.9)]
    many, few = (a.false_pose_probability for a in answers if isinstance(a, Fix))
    assert many < few < 1


def test_a_pose_more_probably_wrong_than_the_rate_is_refused() -> None:
    frame = some_frame(missed=0.8, clutter=0.0)
    lax = replace(CONFIG, false_pose_rate=0.5, min_inliers=6)
    fix = judged(closed_hall(), [HERE], frame, lax)
    assert isinstance(fix, Fix)
    strict = replace(lax, false_pose_rate=0.5 * fix.false_pose_probability)
    message = refused(judged(closed_hall(), [HERE], frame, strict), Category.NOT_VERIFIED)
    assert "false_pose_rate" in message


@MAPS
def test_a_fix_tells_the_noise_and_the_clutter_of_its_frame(model: MapModel) -> None:
    """Landmarks err by one pixel; two told, or a half, make no difference."""
    for told in (0.5, 2.0):
        frame = replace(some_frame(clutter=0.3), sigma=told * CAMERA.frustum().pixel)
        answer = judged(model, [HERE], frame)
        assert isinstance(answer, Fix)
        assert answer.keypoint_sigma_px == pytest.approx(1.0, rel=0.2)
        assert answer.clutter == pytest.approx(0.3, abs=0.1)
