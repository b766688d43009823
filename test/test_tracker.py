"""Following a camera: ahead at its own pace, no further than it can have come, and not by luck."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from followed import HERE, fix_at, following, judged_fix, moved, shown
from halls import (
    CONFIG,
    closed_hall,
    frame_at,
    open_hall,
    standing,
)
from landmarks import CAMERA, held, report

from bpnp_ros.localizer import tracker as tracking
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.over_time.step import fastest
from bpnp_ros.localizer.over_time.track import LONGEST_GAP, Track
from bpnp_ros.localizer.tracker import Tracker
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.from_points import model_from_points
from bpnp_ros.map_model.map_model import MapModel

MAPS = pytest.mark.parametrize("model", [open_hall(), closed_hall()], ids=["open", "closed"])


def carried_on(v: tuple[float, ...], w: tuple[float, ...], stamp: float) -> np.ndarray:
    """The first prediction for `stamp` of a camera that moved by v and w from 0.0 to 0.1 s."""
    track = Track(depth=8.0)
    fix = fix_at(HERE)
    track.follow(HERE, 0.0, fix, 40)
    track.follow(moved(HERE, v, w), 0.1, fix, 40)
    like = torch.zeros(1, 2, dtype=torch.float64)
    step = track.step(stamp, None, CONFIG)
    first: np.ndarray = track.predictions(stamp, step, like)[0].numpy()
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
@pytest.mark.parametrize("seconds", [0.5, 0.9])
def test_after_a_gap_a_camera_that_has_turned_is_found_rightly_or_not_at_all(
    model: MapModel, seconds: float
) -> None:
    """An overloaded node sees a frame now and then; meanwhile the camera turns as it likes."""
    found = 0
    for seed, turn in enumerate((-0.7, -0.45, 0.35, 0.5, 0.6)):
        there = moved(HERE, (0.1, 0.0, 0.2), (0.0, turn, 0.05))
        frame = frame_at(there, np.random.default_rng(seed), missed=0.3, clutter=0.3)
        answer = following(model, clutter=0.3).step(frame, 0.1 + seconds, {})
        if isinstance(answer, Fix):
            assert np.abs(answer.T_map_camera - there).max() < 0.05
            found += 1
    assert found >= 3


def test_a_camera_that_is_not_found_after_a_gap_is_lost_at_once() -> None:
    elsewhere = frame_at(standing(4, 3, -2.5), np.random.default_rng(1))
    for seconds, lost in ((0.1, False), (0.8, True)):
        tracker = following(open_hall())
        assert isinstance(tracker.step(elsewhere, 0.1 + seconds, {}), Rejection)
        assert tracker.has_lost is lost


@MAPS
def test_a_camera_cannot_have_come_further_than_its_speed_allows(model: MapModel) -> None:
    jump = moved(HERE, (0, 0, 0.7))
    frame = frame_at(jump, np.random.default_rng(1))
    fast = following(model, replace(CONFIG, max_speed=10.0)).step(frame, 0.2, {})
    assert isinstance(fast, Fix) and np.abs(fast.T_map_camera - jump).max() < 0.05
    slow = following(model, replace(CONFIG, max_speed=0.1)).step(frame, 0.2, {})
    assert isinstance(slow, Rejection) and "than the camera can have come" in slow.message


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
def test_coarse_steps_that_lead_away_from_a_good_prediction_do_no_harm(
    model: MapModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody has to look around for it."""
    follower = following(model)
    for step in range(2, 6):
        follower.step(frame_at(HERE, np.random.default_rng(step)), 0.1 * step, {})
    away = torch.from_numpy(moved(np.eye(4), (2.0, 0, 1.0), (0, 0.5, 0))).float()
    lead_away = lambda _, starts, frame: starts.at(starts.T_map_camera @ away)  # noqa: E731
    monkeypatch.setattr(tracking, "follow", lead_away)
    monkeypatch.setattr(tracking, "perturb", lambda *_: pytest.fail("looked around"))
    answer = follower.step(frame_at(HERE, np.random.default_rng(6)), 0.6, {})
    assert isinstance(answer, Fix) and np.abs(answer.T_map_camera - HERE).max() < 0.05


@MAPS
def test_a_camera_cannot_have_turned_further_than_its_turn_rate_allows(model: MapModel) -> None:
    turned = moved(HERE, (0, 0, 0), (0, 0.25, 0))
    frame = frame_at(turned, np.random.default_rng(1))
    assert isinstance(following(model).step(frame, 0.2, {}), Fix)
    stiff = following(model, replace(CONFIG, max_turn_rate=0.1)).step(frame, 0.2, {})
    assert isinstance(stiff, Rejection) and stiff.category is Category.NOT_VERIFIED


@pytest.mark.parametrize(("model", "share"), [(open_hall(), 0.8), (closed_hall(), 0.5)])
def test_a_camera_that_explains_far_less_than_usual_is_not_believed(
    model: MapModel, share: float
) -> None:
    """Landmarks in view and keypoints were each other's before; now that share of both is not."""
    frame = frame_at(HERE, np.random.default_rng(1), missed=share, clutter=share)
    answer = following(model).step(frame, 0.2, {})
    assert isinstance(answer, Rejection)
    assert "inliers where" in answer.message
    used_to_it = Tracker(model, CONFIG)
    used_to_it.follow(judged_fix(model, frame), frame, 0.1)
    assert isinstance(used_to_it.step(frame, 0.2, {}), Fix)


@MAPS
def test_a_burst_of_clutter_takes_nothing_from_what_a_frame_explains(model: MapModel) -> None:
    rng = np.random.default_rng(1)
    before = frame_at(HERE, rng, missed=0.3, clutter=0.3)
    tracker = Tracker(model, CONFIG)
    tracker.follow(judged_fix(model, before), before, 0.1)
    assert isinstance(tracker.step(frame_at(HERE, rng, missed=0.3, clutter=0.7), 0.2, {}), Fix)


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


def test_odometry_tells_which_of_two_lamps_was_passed() -> None:
    """Lamps that repeat, and a way from frame to frame of most of what lies between two."""
    lamps = np.array([(0.8 * x, 1.5 * y, 3.0) for x in range(30) for y in range(2)])
    told = replace(CONFIG, motion="floor", camera_mounting="up", max_speed=3.0)
    told = replace(told, camera_height_min=0.4, camera_height_max=0.6)
    tracker = Tracker(model_from_points(lamps, told, torch.device("cpu")), told)
    path = [held("up", 0.0, np.array([8.1 + 0.55 * i, 0.7, 0.5]), np.zeros(2)) for i in range(8)]
    fix = replace(fix_at(HERE), T_map_camera=path[0])
    tracker.follow(fix, shown(lamps, path[0], 0), 0.0, odometry=path[0])
    for step, T in enumerate(path[1:], start=1):
        answer = tracker.step(shown(lamps, T, step), 0.25 * step, {}, odometry=T)
        if isinstance(answer, Fix):
            assert np.abs(answer.T_map_camera - T).max() < 0.1


def test_a_camera_that_nobody_saw_for_long_may_be_anywhere() -> None:
    tracker = following(open_hall())
    assert tracker.can_follow(0.1 + LONGEST_GAP, None)
    assert not tracker.can_follow(0.2 + LONGEST_GAP, None)


@pytest.mark.parametrize(("metres", "known"), [(1.0, True), (100.0, False)])
def test_odometry_leads_through_the_dark_but_not_across_the_map(metres: float, known: bool) -> None:
    tracker, frame = Tracker(open_hall(), CONFIG), frame_at(HERE, np.random.default_rng(0))
    tracker.follow(fix_at(HERE), frame, 0.0, odometry=np.eye(4))
    assert tracker.can_follow(60.0, moved(np.eye(4), (0, 0, metres))) is known
    assert not tracker.can_follow(60.0, None)


@pytest.mark.parametrize("with_odometry", [False, True])
def test_where_odometry_leads_is_looked_at_first_and_alone(with_odometry: bool) -> None:
    tracker, starts = Tracker(open_hall(), CONFIG), list[int]()
    odometry = np.eye(4) if with_odometry else None
    tracker.follow(fix_at(HERE), frame_at(HERE, np.random.default_rng(0)), 0.0, odometry)
    refined = tracker._refined
    tracker._refined = lambda some, frame: starts.append(len(some)) or refined(some, frame)  # type: ignore[assignment, method-assign, func-returns-value]
    tracker.step(frame_at(HERE, np.random.default_rng(1)), 0.1, {}, odometry)
    assert (starts[0] == 1) is with_odometry


def test_odometry_that_jumps_is_not_believed() -> None:
    """Two metres within a tenth of a second: the camera is looked for where it was heading."""
    tracker, frame = Tracker(open_hall(), CONFIG), frame_at(HERE, np.random.default_rng(0))
    tracker.follow(fix_at(HERE), frame, 0.0, odometry=np.eye(4))
    now = frame_at(HERE, np.random.default_rng(1))
    answer = tracker.step(now, 0.1, {}, odometry=moved(np.eye(4), (0, 0, 2.0)))
    assert isinstance(answer, Fix) and np.abs(answer.T_map_camera - HERE).max() < 0.05


@pytest.mark.parametrize("with_odometry", [False, True])
def test_a_car_is_followed_although_nobody_told_how_fast_it_is(with_odometry: bool) -> None:
    """It is found at 7 m/s, and comes to 12 m/s, below lamps 3 m above it."""
    rng = np.random.default_rng(0)
    lamps = np.column_stack([rng.uniform(0, [30, 8], (200, 2)), rng.choice([3.0, 3.4], 200)])
    told = replace(CONFIG, motion="floor", camera_mounting="up")
    told = replace(told, camera_height_min=0.4, camera_height_max=0.6)
    localizer = Localizer.from_map(lamps, config=told)
    x, found = 8.0, list[bool]()
    for step, speed in enumerate(np.linspace(7.0, 12.0, 40)):
        T = held("up", 0.0, np.array([x, 4.0, 0.5]), np.zeros(2))
        pixels = report(lamps, T, np.random.default_rng(step))
        odometry = T if with_odometry else None
        answer = localizer.localize(pixels, CAMERA, stamp=step / 30, odometry=odometry)
        right = isinstance(answer, Fix) and np.abs(answer.T_map_camera - T).max() < 0.1
        assert right or isinstance(answer, Rejection)
        found.append(right)
        x += speed / 30
    assert sum(found) >= 38


def test_how_fast_a_camera_may_be_is_told_or_seen() -> None:
    assert fastest(replace(CONFIG, max_speed=5.0), 3.0, seen=20.0) == 5.0
    assert fastest(CONFIG, 3.0, seen=None) > fastest(CONFIG, 3.0, seen=0.1)
    assert fastest(CONFIG, 3.0, seen=20.0) > 20.0
    assert fastest(CONFIG, 300.0, None) == pytest.approx(100 * fastest(CONFIG, 3.0, None))
