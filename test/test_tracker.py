"""Following a camera: ahead at its own pace, no further than it can have come, and not by luck."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from halls import CONFIG, closed_hall, frame_at, judged, open_hall, standing

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.localizer.track import Track
from bpnp_ros.localizer.tracker import Tracker
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.map_model import MapModel

MAPS = pytest.mark.parametrize("model", [open_hall(), closed_hall()], ids=["open", "closed"])
HERE = standing(9, 6, 0.4)


def moved(T: np.ndarray, v: tuple[float, ...], w: tuple[float, ...] = (0, 0, 0)) -> np.ndarray:
    """A pose moved by v metres and turned by w radians in its own frame."""
    step = np.eye(4)
    step[:3, :3] = so3_exp(torch.tensor(w, dtype=torch.float64)).numpy()
    step[:3, 3] = v
    return T @ step


def fix_at(T: np.ndarray, seed: int = 0) -> Fix:
    answer = judged(closed_hall(), [T], frame_at(T, np.random.default_rng(seed)))
    assert isinstance(answer, Fix)
    return answer


def following(model: MapModel, config: LocalizerConfig = CONFIG, clutter: float = 0.0) -> Tracker:
    """A tracker that saw the camera stand here at 0.0 s and at 0.1 s."""
    tracker = Tracker(model, config)
    frame = frame_at(HERE, np.random.default_rng(0), clutter=clutter)
    for stamp in (0.0, 0.1):
        tracker.follow(fix_at(HERE), frame, stamp)
    return tracker


def carried_on(v: tuple[float, ...], w: tuple[float, ...], stamp: float) -> np.ndarray:
    """The first prediction for `stamp` of a camera that moved by v and w from 0.0 to 0.1 s."""
    track = Track(depth=8.0)
    fix = fix_at(HERE)
    track.follow(HERE, 0.0, fix, 40)
    track.follow(moved(HERE, v, w), 0.1, fix, 40)
    like = torch.zeros(1, 2, dtype=torch.float64)
    first: np.ndarray = track.predictions(stamp, like)[0].numpy()
    return first


@pytest.mark.parametrize(
    ("v", "w"), [((0.1, 0, 0.2), (0, 0, 0)), ((0, 0, 0), (0, 0.2, 0)), ((0, 0, 0.3), (0.1, 0, 0))]
)
def test_a_camera_is_expected_to_carry_on_at_its_pace(
    v: tuple[float, ...], w: tuple[float, ...]
) -> None:
    now = moved(HERE, v, w)
    assert np.allclose(carried_on(v, w, 0.2), moved(now, v, w), atol=1e-6)
    halves = moved(now, tuple(np.array(v) / 2), tuple(np.array(w) / 2))
    assert np.allclose(carried_on(v, w, 0.15), halves, atol=1e-6)


def test_a_motion_of_long_ago_is_forgotten() -> None:
    track, fix = Track(depth=8.0), fix_at(HERE)
    track.follow(HERE, 0.0, fix, 40)
    track.follow(moved(HERE, (0, 0, 1)), 5.0, fix, 40)
    assert np.abs(track.motion).max() == 0


def test_a_camera_that_walks_fast_is_followed_through_a_gap() -> None:
    """Half a second at 1.8 m/s: where it stood is too far away to start from."""
    tracker = Tracker(closed_hall(), CONFIG)
    start = standing(4, 6, 0.0)
    steps = [moved(start, (0, 0, 1.8 * second)) for second in (0.0, 0.1, 0.2)]
    for stamp, pose in zip((0.0, 0.1, 0.2), steps, strict=True):
        tracker.follow(fix_at(pose), frame_at(pose, np.random.default_rng(1)), stamp)
    now = moved(start, (0, 0, 1.8 * 1.1))
    answer = tracker.step(frame_at(now, np.random.default_rng(2)), 1.1, {})
    assert isinstance(answer, Fix)
    assert np.abs(answer.T_map_camera - now).max() < 0.05


@MAPS
def test_a_camera_cannot_have_come_further_than_its_speed_allows(model: MapModel) -> None:
    jump = moved(HERE, (0, 0, 0.7))
    frame = frame_at(jump, np.random.default_rng(1))
    fast = following(model, replace(CONFIG, max_speed=10.0)).step(frame, 0.2, {})
    assert isinstance(fast, Fix) and np.abs(fast.T_map_camera - jump).max() < 0.05
    slow = following(model, replace(CONFIG, max_speed=0.1)).step(frame, 0.2, {})
    assert isinstance(slow, Rejection) and "max_speed" in slow.message


@MAPS
def test_poses_around_a_prediction_are_tried_where_it_leads_nowhere(model: MapModel) -> None:
    agile = replace(CONFIG, max_speed=20.0, max_turn_rate=10.0)
    turn = (0.12, 0.1, 0.0)  # radians; half a metre and this are too much to start from
    moves = [(0.6, 0.0, 0.0), (0.6, 0.3, 0.0), (0.0, 0.0, 0.8), (0.0, 0.3, 0.8)]
    found = 0
    for seed, move in enumerate(moves):
        there = moved(HERE, move, turn)
        frame = frame_at(there, np.random.default_rng(seed), missed=0.2, clutter=0.3)
        answer = following(model, agile, clutter=0.3).step(frame, 0.2, {})
        found += isinstance(answer, Fix) and np.abs(answer.T_map_camera - there).max() < 0.1
    assert found >= 3


@MAPS
def test_a_camera_cannot_have_turned_further_than_its_turn_rate_allows(model: MapModel) -> None:
    turned = moved(HERE, (0, 0, 0), (0, 0.25, 0))
    frame = frame_at(turned, np.random.default_rng(1))
    assert isinstance(following(model).step(frame, 0.2, {}), Fix)
    stiff = following(model, replace(CONFIG, max_turn_rate=0.1)).step(frame, 0.2, {})
    assert isinstance(stiff, Rejection) and stiff.category is Category.NOT_VERIFIED


@pytest.mark.parametrize(("model", "clutter"), [(open_hall(), 0.75), (closed_hall(), 0.5)])
def test_a_camera_that_explains_far_less_than_usual_is_not_believed(
    model: MapModel, clutter: float
) -> None:
    """All keypoints were explained before; now that share of them is not."""
    frame = frame_at(HERE, np.random.default_rng(1), missed=0.5, clutter=clutter)
    answer = following(model).step(frame, 0.2, {})
    assert isinstance(answer, Rejection)
    assert "inliers where" in answer.message
    used_to_it = Tracker(model, CONFIG)
    used_to_it.follow(judged_fix(model, frame), frame, 0.1)
    assert isinstance(used_to_it.step(frame, 0.2, {}), Fix)


def judged_fix(model: MapModel, frame: object) -> Fix:
    answer = judged(model, [HERE], frame)  # type: ignore[arg-type]
    assert isinstance(answer, Fix)
    return answer


def test_frames_without_a_fix_are_counted_until_the_camera_is_lost() -> None:
    tracker = following(open_hall())
    elsewhere = frame_at(standing(4, 3, -2.5), np.random.default_rng(1))
    for miss in range(CONFIG.lost_after):
        assert not tracker.has_lost
        assert isinstance(tracker.step(elsewhere, 0.2 + 0.1 * miss, {}), Rejection)
    assert tracker.has_lost and tracker.is_following
    tracker.follow(fix_at(HERE), frame_at(HERE, np.random.default_rng(0)), 1.0)
    assert not tracker.has_lost
    tracker.forget()
    assert not tracker.is_following
