"""A camera that is followed is looked for elsewhere, too, and is nowhere if it may be there."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from followed import HERE, fix_at, following, judged_fix, moved, shown, twin_halls
from halls import (
    CONFIG,
    closed_hall,
    frame_at,
    open_hall,
    recentred,
    standing,
)
from landmarks import Array, held

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.local_optimisation import polish
from bpnp_ros.localizer.evidence import rivalry
from bpnp_ros.localizer.tracker import RAREST, Tracker
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.from_points import model_from_points
from bpnp_ros.map_model.map_model import MapModel


def test_a_camera_carried_off_to_a_place_that_looks_alike_is_missed_at_once() -> None:
    model, points = twin_halls()
    here, there = standing(1.5, 3, 0.1), standing(31.5, 3, 0.1)
    tracker = Tracker(model, CONFIG)
    tracker.follow(judged_fix(model, shown(points, here, 0), here), shown(points, here, 0), 0.0)
    for step in range(1, 6):
        assert isinstance(tracker.step(shown(points, here, step), 0.1 * step, {}), Fix)
    assert not tracker.has_lost
    answers = [tracker.step(shown(points, there, step), 0.1 * step, {}) for step in range(6, 20)]
    assert tracker.has_lost
    wrong = [answer for answer in answers if isinstance(answer, Fix)]
    assert wrong == []
    tracker.forget()
    assert not tracker.has_lost


def under_a_row_that_repeats() -> tuple[MapModel, Array, LocalizerConfig, Array]:
    """Lamps every 0.8 m: the map, its points, what is told, and T_map_camera below the middle."""
    x = np.arange(0.0, 20.0, 0.8)
    row = np.concatenate([np.column_stack([x, 0 * x + y, 0 * x + 3]) for y in (0.0, 1.5)])
    told = replace(CONFIG, motion="floor", camera_mounting="up", max_speed=1.0)
    told = replace(told, camera_height_min=0.4, camera_height_max=0.6)
    model = model_from_points(row, told, torch.device("cpu"))
    return model, row, told, held("up", 0.0, np.array([10.1, 0.7, 0.5]), np.zeros(2))


def test_a_pose_has_to_leave_behind_others_that_the_camera_can_have_come_to() -> None:
    model, row, told, here = under_a_row_that_repeats()
    there = here.copy()
    there[0, 3] += 1.6
    tracker, seen = Tracker(model, told), shown(row, here, 1)
    fix = replace(fix_at(HERE), T_map_camera=here)
    tracker.follow(fix, seen, 0.0)
    step = tracker._track.step(1.4, None, told)
    for poses, is_left in (([here], True), ([here, there], False)):
        found = Candidates.of(torch.cat([recentred(model, T) for T in poses]), "test")
        answer = tracker._compared(fix, found, seen, (2.0, 0.5), step)
        assert isinstance(answer, Fix) is is_left
    assert isinstance(answer, Rejection) and "to another place as well" in answer.message


def test_a_camera_that_may_have_come_to_either_of_two_places_is_at_neither() -> None:
    """A row of lamps that repeats; nobody saw it for long enough to walk on by a lamp."""
    model, row, told, here = under_a_row_that_repeats()
    for seconds, category in ((0.1, None), (1.4, Category.AMBIGUOUS)):
        tracker = Tracker(model, told)
        seen = shown(row, here, 1)
        some = np.arange(len(seen.xy) * 3 // 4)
        fix = replace(fix_at(HERE), T_map_camera=here, keypoint_index=some, point_index=some)
        tracker.follow(fix, seen, 0.0)
        answer = tracker.step(shown(row, here, 2), seconds, {})
        assert (answer.category if isinstance(answer, Rejection) else None) is category


def test_a_first_fix_in_the_wrong_one_of_two_places_is_left_within_some_frames() -> None:
    """Four in five of a hall's landmarks are in its twin, too; the frames before gave no choice."""
    model, points = twin_halls()
    here, wrong = standing(1.5, 3, 0.1), standing(31.5, 3, 0.1)
    tracker = Tracker(model, CONFIG)
    seen = shown(points, here, 0)
    tracker.follow(judged_fix(model, seen, wrong), seen, 0.0)
    for step in range(1, 6):
        answer = tracker.step(shown(points, here, step), 0.1 * step, {})
        if tracker.has_lost:
            break
    assert isinstance(answer, Rejection) and tracker.has_lost


def test_one_looks_around_soon_after_a_first_fix_then_ever_more_rarely() -> None:
    tracker, looks = Tracker(open_hall(), CONFIG), list[int]()
    around, step = tracker._looked_around, 0
    tracker._looked_around = lambda *args: looks.append(step) or around(*args)  # type: ignore[method-assign, func-returns-value]
    tracker.follow(fix_at(HERE), frame_at(HERE, np.random.default_rng(0)), 0.0)
    for step in range(1, 65):
        tracker.step(frame_at(HERE, np.random.default_rng(step)), 0.1 * step, {})
    assert looks[0] == 1 and looks[1] <= 3 and len(looks) < 10
    assert all(later - sooner <= RAREST for sooner, later in pairwise(looks))


def test_a_half_way_pose_is_left_at_the_next_look() -> None:
    """The last fix was off, the frame's own optimum is near; it is found by trying."""
    model, config = closed_hall(), replace(CONFIG, max_speed=20.0, max_turn_rate=10.0)
    off = moved(HERE, (0.5, 0.0, 0.4), (0.0, 0.1, 0.0))
    tracker = Tracker(model, config)
    frame = frame_at(HERE, np.random.default_rng(0), clutter=0.3)
    tracker.follow(replace(fix_at(HERE), T_map_camera=off), frame, 0.0)
    answer = tracker.step(frame, 0.1, {})
    assert isinstance(answer, Fix) and np.abs(answer.T_map_camera - HERE).max() < 0.05


def test_a_frame_explained_far_less_well_than_those_before_is_doubted_at_once() -> None:
    tracker, looks = following(open_hall()), list[int]()
    around = tracker._looked_around
    tracker._looked_around = lambda *args: looks.append(1) or around(*args)  # type: ignore[method-assign, func-returns-value]
    for step in range(2, 5):
        tracker.step(frame_at(HERE, np.random.default_rng(step)), 0.1 * step, {})
    tracker._since_look, tracker._interval = 0, RAREST
    looks.clear()
    burst = frame_at(HERE, np.random.default_rng(9), clutter=0.35)
    assert isinstance(tracker.step(burst, 0.5, {}), Fix)
    assert looks


def test_a_frame_that_shows_far_less_than_those_before_is_doubted_at_once() -> None:
    """Every keypoint is explained as well as ever, but half of what should be in view is gone."""
    tracker, looks = following(open_hall()), list[int]()
    around = tracker._looked_around
    tracker._looked_around = lambda *args: looks.append(1) or around(*args)  # type: ignore[method-assign, func-returns-value]
    for step in range(2, 8):
        tracker.step(frame_at(HERE, np.random.default_rng(step), missed=0.1), 0.1 * step, {})
    tracker._since_look, tracker._interval = 0, RAREST
    looks.clear()
    tracker.step(frame_at(HERE, np.random.default_rng(9), missed=0.5), 0.8, {})
    assert looks


def test_a_camera_that_odometry_knows_to_stand_and_that_is_carried_off_is_missed() -> None:
    """In the dark. At its pace it would be elsewhere by now: what looks like where it was found
    counts."""
    model, points = twin_halls()
    path = [moved(standing(1.5, 3, 0.1), (0, 0, 0.4 * step)) for step in range(4)]
    tracker = Tracker(model, CONFIG)
    for step, T in enumerate(path):
        seen = shown(points, T, step)
        tracker.follow(judged_fix(model, seen, T), seen, 0.1 * step, odometry=T)
    there = path[-1].copy()
    there[0, 3] += 30.0
    for seed in range(3):
        answer = tracker.step(shown(points, there, 10 + seed), 1.2, {}, odometry=path[-1])
        assert isinstance(answer, Rejection)


def test_a_camera_carried_off_to_a_place_with_less_in_it_is_missed_at_once() -> None:
    """All that is there is in the place that it comes from, too: nothing there is unexplained."""
    rng, way = np.random.default_rng(6), np.array([30.0, 0, 0])
    hall = rng.uniform((0, 0, 0), (8, 6, 3.5), (90, 3))
    points = np.concatenate([hall, hall[:30] + way])
    model = model_from_points(points, CONFIG, torch.device("cpu"))
    here, there = standing(1.5, 3, 0.1), standing(31.5, 3, 0.1)
    tracker = Tracker(model, CONFIG)
    tracker.follow(judged_fix(model, shown(points, here, 0), here), shown(points, here, 0), 0.0)
    for step in range(1, 6):
        assert isinstance(tracker.step(shown(points, here, step), 0.1 * step, {}), Fix)
    answers = [tracker.step(shown(points, there, step), 0.1 * step, {}) for step in range(6, 12)]
    assert not any(isinstance(answer, Fix) for answer in answers)


@pytest.mark.parametrize("carried_off", [False, True])
def test_a_frame_that_a_place_out_of_reach_explains_a_little_better_has_no_pose(
    carried_off: bool,
) -> None:
    """The twin has one landmark more: too little to be sure of it, enough to doubt."""
    rng, way = np.random.default_rng(6), np.array([0, 30.0, 0])
    hall = rng.uniform((0, 0, 0), (8, 6, 3.5), (60, 3))
    more = np.array([[5.0, 2.8, 1.5]])
    points = np.concatenate([hall, hall + way, more + way])
    model = model_from_points(points, CONFIG, torch.device("cpu"))
    here = standing(1.5, 3, 0.1)
    tracker, seen = Tracker(model, CONFIG), shown(points, here, 0)
    tracker.follow(judged_fix(model, seen, here), seen, 0.0)
    now = standing(1.5, 33, 0.1) if carried_off else here
    for step in range(1, 4):
        tracker._interval = 1
        answer = tracker.step(shown(points, now, step), 0.1 * step, {})
        assert isinstance(answer, Rejection) is carried_off


@pytest.mark.parametrize("is_doubtful", [True, False])
def test_in_a_doubtful_frame_what_leads_is_tried_around_as_in_a_first_fix(
    is_doubtful: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only there: it takes as long as all the rest."""
    around, tried = rivalry.around, list[int]()
    monkeypatch.setattr(rivalry, "around", lambda *a: tried.append(1) or around(*a))  # type: ignore[func-returns-value]
    tracker = following(closed_hall())
    for number in range(3):
        tracker.step(frame_at(HERE, np.random.default_rng(number)), 0.2 + 0.1 * number, {})
    tried.clear()
    clutter = 0.6 if is_doubtful else 0.0
    frame = frame_at(HERE, np.random.default_rng(9), clutter=clutter)
    assert isinstance(tracker.step(frame, 0.5, {}), Fix)
    assert bool(tried) == is_doubtful


def test_the_first_frame_after_a_fix_is_looked_around_in() -> None:
    """Nobody knows yet how the camera moves: what is found near the fix may be a look-alike."""
    tracker, looks = Tracker(open_hall(), CONFIG), list[int]()
    tracker.follow(fix_at(HERE), frame_at(HERE, np.random.default_rng(0)), 0.0)
    around = tracker._looked_around
    tracker._looked_around = lambda *args: looks.append(1) or around(*args)  # type: ignore[method-assign, func-returns-value]
    for step in (1, 2):
        answer = tracker.step(frame_at(HERE, np.random.default_rng(step)), 0.1 * step, {})
        assert isinstance(answer, Fix)
    assert len(looks) == 1


@pytest.mark.parametrize("really", [True, False])
def test_a_search_of_the_whole_map_ends_tracking_at_a_wrong_place(really: bool) -> None:
    """The camera is taken to be in one place; the frame is from there, or from another."""
    model, there = closed_hall(), standing(15, 5, 2.0)
    frame = frame_at(HERE if really else there, np.random.default_rng(3))
    tracker = Tracker(model, CONFIG)
    tracker.follow(fix_at(HERE), frame, 0.0)
    found = torch.cat([recentred(model, HERE), recentred(model, there)])
    for _ in range(4):
        tracker.compare(polish(model, Candidates.of(found, "search"), frame))
    assert tracker.can_follow(0.1, None) is really


def test_a_pose_that_nobody_expected_is_doubted() -> None:
    tracker, looks = following(closed_hall(), replace(CONFIG, max_speed=9.0)), list[int]()
    around = tracker._looked_around
    tracker._looked_around = lambda *args: looks.append(1) or around(*args)  # type: ignore[method-assign, func-returns-value]
    for step in range(2, 7):
        tracker.step(frame_at(HERE, np.random.default_rng(step)), 0.1 * step, {})
    tracker._since_look, tracker._interval = 0, RAREST
    looks.clear()
    jump = frame_at(moved(HERE, (0.2, 0, 0)), np.random.default_rng(8))
    assert isinstance(tracker.step(jump, 0.7, {}), Fix)
    assert looks
