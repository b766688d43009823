"""The demo's verdict, on recorded arrays: every way to fail is seen."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bpnp_ros.demo.score import (
    DemoRecord,
    frame_errors,
    score_control,
    score_demo,
)
from bpnp_ros.evaluation.trajectory import Trajectory
from bpnp_ros.live.frame_report import FrameReport

FRAMES, RATE, KIDNAPS = 300, 10, (100, 200)
START_NS = 1_795_362_000_000_000_000


def good_run() -> DemoRecord:
    """Thirty seconds; each first fix takes half a second; then every message is answered."""
    stamps = START_NS + np.arange(FRAMES, dtype=np.int64) * (10**9 // RATE)
    truth = np.tile(np.eye(4), (FRAMES, 1, 1))
    truth[:, 0, 3] = np.linspace(0, 5, FRAMES)
    lost = np.zeros(FRAMES, bool)
    for start in (0, *KIDNAPS):
        lost[start : start + 5] = True
    reports = [
        FrameReport(int(s), "LOST", category="NO_PROPOSAL")
        if lost[i]
        else FrameReport(int(s), "TRACKING", proposer=proposer_of(i), inliers=40)
        for i, s in enumerate(stamps)
    ]
    return DemoRecord(
        sent=Trajectory(stamps, truth),
        kidnaps=KIDNAPS,
        published=Trajectory(stamps[~lost], truth[~lost]),
        latency=np.full(int((~lost).sum()), 0.03),
        reports=tuple(reports),
    )


def proposer_of(frame: int) -> str:
    return {5: "bpnpnet_map", 105: "likelihood_search", 205: "bpnpnet_map"}.get(frame, "tracker")


def moved(record: DemoRecord, poses: slice, metres: float) -> DemoRecord:
    T = record.published.T_map_camera.copy()
    T[poses, 1, 3] += metres
    return replace(record, published=Trajectory(record.published.stamps_ns, T))


def without(record: DemoRecord, frames: slice) -> DemoRecord:
    """The same run, nothing having come back for `frames`."""
    gone = record.sent.stamps_ns[frames]
    kept = ~np.isin(record.published.stamps_ns, gone)
    published = record.published[kept]
    reports = tuple(r for r in record.reports if r.stamp_ns not in set(gone.tolist()))
    return replace(record, published=published, latency=record.latency[kept], reports=reports)


def failed(record: DemoRecord) -> list[str]:
    return [check.asked for check in score_demo(record).checks if not check.passed]


def test_a_good_run_passes_and_says_who_found_each_fix() -> None:
    score = score_demo(good_run())
    assert score.passed
    assert [(r.name, r.proposer) for r in score.recoveries] == [
        ("start", "bpnpnet_map"),
        ("kidnap 1", "likelihood_search"),
        ("kidnap 2", "bpnpnet_map"),
    ]
    assert [r.seconds for r in score.recoveries] == pytest.approx([0.5, 0.5, 0.5])
    assert score.global_fixes == {"bpnpnet_map": 2, "likelihood_search": 1}
    assert score.rejections == {"NO_PROPOSAL": 15}
    assert score.judged.sum() == FRAMES - 15
    assert score.latency == {"p50": 0.03, "p95": 0.03}


def test_a_late_first_fix_fails() -> None:
    assert failed(without(good_run(), slice(0, 31))) == ["first fix within 3 s"]


def test_a_late_refix_fails_and_its_window_hides_no_more_than_three_seconds() -> None:
    record = without(good_run(), slice(100, 150))
    assert "re-fix after kidnap 1 within 3 s" in failed(record)
    assert score_demo(record).judged.sum() == FRAMES - 5 - 30 - 5


def test_a_kidnap_that_is_never_recovered_fails() -> None:
    record = without(good_run(), slice(200, 300))
    assert math.isinf(score_demo(record).recoveries[2].seconds)
    assert "re-fix after kidnap 2 within 3 s" in failed(record)


def test_dropped_messages_count_against_the_accurate_share() -> None:
    record = without(good_run(), slice(20, 35))
    score = score_demo(record)
    assert score.unanswered == 15
    assert score.accurate_share == pytest.approx(1 - 15 / 285)
    assert failed(record) == ["95% of messages within 0.25 m, 2 deg"]


def test_one_wrong_pose_fails_the_run() -> None:
    record = moved(good_run(), slice(50, 51), 1.5)
    assert failed(record) == ["no pose off by more than 1 m or 10 deg"]


def test_a_stale_pose_right_after_a_kidnap_is_wrong_though_its_window_is_not_judged() -> None:
    record = good_run()
    stale = np.eye(4)
    stale[0, 3] = -3.0
    published = Trajectory(
        np.append(record.published.stamps_ns, record.sent.stamps_ns[101]),
        np.concatenate([record.published.T_map_camera, stale[None]]),
    )
    record = replace(record, published=published, latency=np.append(record.latency, 0.03))
    assert failed(record) == ["no pose off by more than 1 m or 10 deg"]


def test_a_pose_with_a_stamp_that_nobody_sent_is_wrong() -> None:
    record = good_run()
    stamps = record.published.stamps_ns.copy()
    stamps[7] += 1
    moved_stamp = replace(record, published=Trajectory(stamps, record.published.T_map_camera))
    assert score_demo(moved_stamp).wrong == 1


def test_of_two_poses_for_one_message_the_worse_counts() -> None:
    record = good_run()
    twice = Trajectory(
        np.repeat(record.sent.stamps_ns[10:11], 2), np.stack([record.sent.T_map_camera[10]] * 2)
    )
    twice.T_map_camera[0, 1, 3] += 0.4
    per_frame, per_pose = frame_errors(record.sent, twice)
    assert per_frame.metres[10] == pytest.approx(0.4)
    assert per_pose.metres.tolist() == pytest.approx([0.4, 0.0])


def test_a_run_without_a_global_fix_by_the_network_fails() -> None:
    record = good_run()
    reports = [
        replace(r, proposer="likelihood_search") if r.global_fix else r for r in record.reports
    ]
    assert failed(replace(record, reports=tuple(reports))) == ["a global fix by the network"]


def test_a_run_in_which_nothing_came_back_fails_everything_but_wrong_poses() -> None:
    score = score_demo(without(good_run(), slice(None)))
    assert [check.passed for check in score.checks] == [False, False, False, False, True, False]


def test_an_interrupted_run_is_scored_on_what_there_is() -> None:
    record = good_run()
    score = score_demo(record.until(int(record.sent.stamps_ns[149])))
    assert [r.name for r in score.recoveries] == ["start", "kidnap 1"]
    assert score.accurate_share == 1.0
    assert len(score.published_errors) == 140 and score.wrong == 0


def test_a_negative_control_passes_when_every_message_is_rejected() -> None:
    record = without(good_run(), slice(None))
    rejections = tuple(
        FrameReport(int(s), "LOST", category="NOT_VERIFIED") for s in record.sent.stamps_ns
    )
    assert score_control(replace(record, reports=rejections)).passed


def test_a_negative_control_fails_on_one_pose_and_on_a_dead_node() -> None:
    assert not score_control(good_run()).passed
    assert not score_control(without(good_run(), slice(None))).passed
