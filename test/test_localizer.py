"""The localiser as a user meets it: keypoints in, a verified pose or a reason out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from rooms import CAMERA, CONFIG, fresh_views, look, pose_error, rooms, world

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.errors import ConfigError
from bpnp_ros.geometry.transform import transform_points
from bpnp_ros.keypoints.keypoints import TooFewKeypointsError, keypoints_from_pixels
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.gate import Gate, verify
from bpnp_ros.localizer.localizer import LOST, TRACKING, Localizer, build_localizer
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.simulation.camera_path import make_camera_path
from bpnp_ros.weights.chosen import ChosenWeights

TWIN = torch.tensor([[0.0, -1, 0, 40], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
SINGLE_FRAMES = replace(CONFIG, use_tracker=False)


@pytest.fixture(scope="module")
def localizer() -> Localizer:
    """Every frame is a first fix."""
    localizer = Localizer(rooms(), None, SINGLE_FRAMES)
    localizer.prepare(CAMERA.frustum())
    return localizer


@pytest.fixture
def tracking(localizer: Localizer, monkeypatch: pytest.MonkeyPatch) -> Localizer:
    """The same, its views stored already, with the tracker on and nothing remembered."""
    monkeypatch.setattr(localizer, "config", CONFIG)
    localizer.reset()
    return localizer


def test_most_fresh_views_are_found_and_none_is_found_elsewhere(localizer: Localizer) -> None:
    views = fresh_views(8, seed=1)
    answers = [localizer.localize(view.keypoints, stamp=0.0) for view in views]
    errors = [
        pose_error(answer.T_map_camera, view.T_map_camera)
        for answer, view in zip(answers, views, strict=True)
        if isinstance(answer, Fix)
    ]
    assert len(errors) >= 6
    assert all(metres < 0.25 and degrees < 2 for metres, degrees in errors)


def test_pure_clutter_gets_no_pose(localizer: Localizer) -> None:
    rng = np.random.default_rng(0)
    for count in (20, 60, 150):
        pixels = rng.uniform((0, 0), (640, 480), size=(count, 2))
        answer = localizer.localize(keypoints_from_pixels(pixels, CAMERA), stamp=0.0)
        assert isinstance(answer, Rejection)


def test_a_mirrored_image_gets_no_pose(localizer: Localizer) -> None:
    for view in fresh_views(4, seed=2):
        mirrored = view.keypoints.xy * np.array([-1, 1], np.float32)
        answer = localizer.localize(replace(view.keypoints, xy=mirrored), stamp=0.0)
        assert isinstance(answer, Rejection)


def test_a_handful_of_keypoints_is_refused_with_their_number() -> None:
    view = fresh_views(1, seed=3)[0]
    with pytest.raises(TooFewKeypointsError, match="2 of 2"):
        keypoints_from_pixels(CAMERA.K[0, 0] * view.keypoints.xy[:2] + [320, 240], CAMERA)


def test_without_any_proposer_there_is_no_proposal() -> None:
    alone = Localizer(
        rooms(), None, replace(CONFIG, use_likelihood_search=False, use_bpnpnet=False)
    )
    answer = alone.localize(fresh_views(1, seed=4)[0].keypoints, stamp=0.0)
    assert isinstance(answer, Rejection)
    assert answer.category is Category.NO_PROPOSAL


def test_identical_rooms_are_told_apart_or_left_open() -> None:
    twins = Localizer(_twin_rooms(), None, SINGLE_FRAMES)
    answers = [twins.localize(view.keypoints, stamp=0.0) for view in fresh_views(12, seed=5)]
    assert all(isinstance(answer, Rejection) for answer in answers)
    categories = [answer.category for answer in answers if isinstance(answer, Rejection)]
    assert categories.count(Category.AMBIGUOUS) >= 6


def test_a_twin_is_a_rival_however_often_the_winner_was_found() -> None:
    model, view = _twin_rooms(), fresh_views(1, seed=5)[0]
    poses = torch.cat([view.recentred.expand(100, 4, 4), TWIN @ view.recentred])
    candidates, gate = Candidates.of(poses, "test"), Gate.of_search(model, CONFIG)
    answer = verify(model, candidates, view.frame, gate, CONFIG)
    assert isinstance(answer, Rejection)
    assert answer.category is Category.AMBIGUOUS


def test_a_false_pose_rate_that_nothing_reaches_lets_nothing_pass(
    localizer: Localizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = fresh_views(1, seed=6)[0]
    assert isinstance(localizer.localize(view.keypoints, stamp=0.0), Fix)
    monkeypatch.setattr(localizer, "config", replace(SINGLE_FRAMES, false_pose_rate=1e-9))
    hard = replace(view.keypoints, xy=view.keypoints.xy[:25], score=view.keypoints.score[:25])
    assert isinstance(localizer.localize(hard, stamp=0.0), Rejection)


def test_the_answer_to_a_frame_does_not_depend_on_the_order_of_its_keypoints(
    localizer: Localizer,
) -> None:
    view = fresh_views(1, seed=6)[0]
    pixels = CAMERA.K[0, 0] * view.keypoints.xy.astype(np.float64) + [320, 240]
    shuffled = np.random.default_rng(0).permutation(pixels)
    one = localizer.localize(keypoints_from_pixels(pixels, CAMERA), stamp=0.0)
    other = localizer.localize(keypoints_from_pixels(shuffled, CAMERA), stamp=0.0)
    assert isinstance(one, Fix)
    assert isinstance(other, Fix)
    assert np.array_equal(one.T_map_camera, other.T_map_camera)


def test_a_walk_is_tracked_after_its_first_fix(tracking: Localizer) -> None:
    path = make_camera_path(world().plan, seed=2, duration=4.0, kidnaps=0)
    rng = np.random.default_rng(0)
    views = [look(pose, rng) for pose in path.T_map_camera]
    answers = [
        tracking.localize(view.keypoints, stamp=stamp)
        for view, stamp in zip(views, path.stamps, strict=True)
    ]
    found = [answer.proposer for answer in answers if isinstance(answer, Fix)]
    assert found[0] == "likelihood_search"
    assert found.count("tracker") >= 0.8 * len(answers)
    for answer, view in zip(answers, views, strict=True):
        if isinstance(answer, Fix):
            assert pose_error(answer.T_map_camera, view.T_map_camera)[0] < 0.5


def test_a_kidnapped_camera_is_not_said_to_be_where_it_was(tracking: Localizer) -> None:
    here, there = fresh_views(2, seed=8)
    assert isinstance(tracking.localize(here.keypoints, stamp=0.0), Fix)
    assert tracking.state == TRACKING
    for frame in range(1, 5):
        answer = tracking.localize(there.keypoints, stamp=0.1 * frame)
        if isinstance(answer, Fix):
            assert pose_error(answer.T_map_camera, there.T_map_camera)[0] < 0.25
    assert isinstance(answer, Fix)


def test_after_a_reset_the_camera_is_lost(tracking: Localizer) -> None:
    assert isinstance(tracking.localize(fresh_views(1, seed=9)[0].keypoints, stamp=0.0), Fix)
    tracking.reset()
    assert tracking.state == LOST


def test_a_prior_leads_to_the_pose_without_a_search(tracking: Localizer) -> None:
    view = fresh_views(1, seed=10)[0]
    guess = view.T_map_camera.copy()
    guess[:3, 3] += [0.3, -0.2, 0.0]
    prior = PosePrior(guess, np.diag([0.1, 0.1, 0.01, 0.01, 0.01, 0.03]))
    answer = tracking.localize(view.keypoints, stamp=0.0, prior=prior)
    assert isinstance(answer, Fix)
    assert answer.proposer == "prior"
    assert pose_error(answer.T_map_camera, view.T_map_camera)[0] < 0.1


def test_a_map_at_five_million_metres_keeps_its_millimetres(localizer: Localizer) -> None:
    model, offset = rooms(), np.array([5e6, -3e6, 120.0])
    far_map = PointMap(
        model.point_map.points, model.point_map.origin + offset, model.point_map.detectability
    )
    far = Localizer(MapModel(far_map, model.places), None, SINGLE_FRAMES)
    view = fresh_views(1, seed=6)[0]
    near_fix, far_fix = (side.localize(view.keypoints, stamp=0.0) for side in (localizer, far))
    assert isinstance(near_fix, Fix)
    assert isinstance(far_fix, Fix)
    moved = far_fix.T_map_camera[:3, 3] - offset - near_fix.T_map_camera[:3, 3]
    assert np.abs(moved).max() < 1e-4


def test_the_covariance_is_about_as_large_as_the_errors(
    localizer: Localizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More closely, and in every direction: test_covariance.py."""
    monkeypatch.setattr(localizer, "config", replace(SINGLE_FRAMES, sigma_position_floor=0.0))
    distances = []
    for view in fresh_views(8, seed=11):
        answer = localizer.localize(view.keypoints, stamp=0.0)
        if isinstance(answer, Fix):
            assert np.linalg.eigvalsh(answer.covariance).min() > 0
            error = answer.T_map_camera[:3, 3] - view.T_map_camera[:3, 3]
            distances.append(error @ np.linalg.solve(answer.covariance[:3, :3], error))
    assert len(distances) >= 5
    # the median of a chi-square of 3 degrees of freedom is 2.4; that of five draws lies in between
    assert 0.5 < np.median(distances) < 8.0


def test_a_bare_cloud_is_a_map_too() -> None:
    config = replace(SINGLE_FRAMES, bank_views=2000)
    bare = build_localizer(world().landmarks, ChosenWeights(), config, torch.device("cpu"))
    answers = [bare.localize(view.keypoints, stamp=0.0) for view in fresh_views(4, seed=12)]
    assert bare.proposers == ["likelihood_search", "bpnpnet"]
    assert all(answer.timings for answer in answers)


def test_a_parameter_out_of_its_range_is_named() -> None:
    with pytest.raises(ConfigError, match=r"clutter is 1\.5"):
        LocalizerConfig(clutter=1.5)


def _twin_rooms() -> MapModel:
    """Two copies of the world, one turned and 40 m away; a camera can be in either."""
    model = rooms()
    point_map, space = model.point_map, model.places
    points = torch.cat([model.points, transform_points(TWIN, model.points)]).numpy()
    turned = transform_points(TWIN, space.anchors)
    doubled = ViewSpace(
        torch.cat([space.anchors, turned]),
        torch.cat([space.seen, space.seen + len(point_map)]),
        space.chance.repeat(2, 1),
        space.reach,
        space.tilt,
    )
    detectability = np.tile(point_map.detectability, 2)
    return MapModel(PointMap(points, point_map.origin, detectability), doubled)
