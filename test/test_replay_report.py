"""The report of a replay: which frames it shows, the figures behind it, pages without a network."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.replay.page.figure import FramePicture, replay_page
from bpnp_ros.replay.score import ReplayRecord, latency_summary, summary

pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")

from bpnp_ros.replay.page.pictures import worth_a_look
from bpnp_ros.replay.page.report import headlines

SIGMA = 0.1
COUNT = 10


def fix(x: float, proposer: str = "tracker") -> Fix:
    T = np.eye(4)
    T[0, 3] = x
    pairs = np.arange(20)
    return Fix(T, SIGMA**2 * np.eye(6), pairs, pairs, 0.5, proposer, 90.0, 0.0)


def record(*offsets: float | None, truth: bool = True) -> ReplayRecord:
    """A camera that moves by 1 m a message along x; poses off by so much, None for none."""
    stamps = 5_000_000_000 + 1_000_000_000 * np.arange(len(offsets))
    poses = np.tile(np.eye(4), (len(offsets), 1, 1))
    poses[:, 0, 3] = np.arange(len(offsets))
    poses[:] = poses if truth else np.nan
    lost = Rejection(Category.NOT_VERIFIED, "chance")
    answers = [lost if off is None else fix(i + off) for i, off in enumerate(offsets)]
    return ReplayRecord(stamps, poses, answers)


def test_failures_count_in_recall_and_medians() -> None:
    figures = summary(record(None, 0.1, 0.1, 2.0), metric=True)
    against = figures["against_truth"]
    assert figures["fixes"] == 3 and figures["rejections"] == {"NOT_VERIFIED": 1}
    assert against["recall"] == {"0.25 m, 2 deg": 0.5, "0.5 m, 5 deg": 0.5, "5 m, 10 deg": 0.75}
    assert against["false_poses"] == 1
    assert against["position"]["median"] == 2.0 and against["position"]["third_quartile"] is None
    assert against["position_of_fixes"]["median"] == pytest.approx(0.1)
    assert figures["first_fix_s"] == against["first_true_fix_s"] == 1.0


def test_trajectory_errors_are_those_of_the_poses_found_without_alignment() -> None:
    against = summary(record(0.3, None, 0.4), metric=True)["against_truth"]
    assert against["absolute_error"]["rmse"] == pytest.approx(np.sqrt((0.09 + 0.16) / 2), abs=1e-6)
    assert against["relative_error"]["rmse"] == pytest.approx(0.1, abs=1e-6)
    assert against["within_2_sigma"] == {"position": pytest.approx(2 / 3), "rotation": 1.0}


def test_a_map_without_a_scale_has_no_recall_in_metres() -> None:
    against = summary(record(0.3, 0.3), metric=False)["against_truth"]
    assert "recall" not in against and "false_poses" not in against
    assert against["unit"] == "map unit"


def test_without_truth_or_answers_nothing_is_made_up() -> None:
    assert "against_truth" not in summary(record(0.3, truth=False), metric=True)
    nothing = summary(record(None, None), metric=True)
    assert nothing["first_fix_s"] is None
    assert nothing["against_truth"]["absolute_error"]["rmse"] is None
    assert summary(record(), metric=True)["messages"] == 0
    assert latency_summary([]) == {}


def test_false_poses_are_shown_first_then_messages_without_one() -> None:
    there = record(0.01, 0.02, None, 3.0, 0.03, 0.2, 9.0, 0.05, 0.06, 0.07)
    readable = np.ones(COUNT, bool)
    assert worth_a_look(there, readable)[:3] == [6, 3, 2]
    assert len(set(worth_a_look(there, readable))) == 6
    readable[6] = False
    assert 6 not in worth_a_look(there, readable)
    assert worth_a_look(record(), np.zeros(0, bool)) == []


def test_a_page_can_be_drawn_of_anything() -> None:
    points = np.random.default_rng(0).normal(size=(50, 3))
    pixels = np.full((4, 2), 10.0)
    picture = FramePicture("a frame", pixels, np.zeros(4, bool), np.zeros((0, 2)), (640, 480))
    for there in (record(), record(None, None), record(0.1, 3.0), record(0.1, truth=False)):
        figure = replay_page(there, points, "m", [picture] * 4, "title")
        assert len(figure.subfigs) == 2
        figure.canvas.draw()


def test_headlines_say_when_a_run_was_interrupted() -> None:
    there = {"complete": False, **summary(record(0.1, None), metric=True)}
    lines = headlines(there)
    assert "the part" in lines["interrupted"]
    assert lines["localised"] == "1 of 2 messages" and lines["rejected"] == "NOT_VERIFIED 1"
    assert re.match("0.1 m", lines["median error of the poses"])
