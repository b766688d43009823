"""A bag through DDS into a running node: it agrees with the replay, and says what that costs."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")

from recordings import walk, write_recording, write_weights
from rich.console import Console

from bpnp_ros.live.frame_report import FrameReport
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.replay.live.score import LiveRecord, live_headlines, live_summary
from bpnp_ros.replay.score import ReplayRecord
from bpnp_ros.tools.replay import parse_arguments, run

LOST = Rejection(Category.NOT_VERIFIED, "chance")


def poses(*x: float) -> np.ndarray:
    """Poses (S, 4, 4) along x; NaN stays NaN."""
    T = np.tile(np.eye(4), (len(x), 1, 1))
    T[:, 0, 3] = x
    T[np.isnan(x)] = np.nan
    return T


def replayed(*x: float) -> ReplayRecord:
    """A replay whose truth is 0, 1, 2, ... along x."""
    none = np.zeros(0, np.int64)
    answers = [
        LOST if np.isnan(at) else Fix(T, np.eye(6), none, none, 0.5, "tracker", 90, 0.0)
        for at, T in zip(x, poses(*x), strict=True)
    ]
    return ReplayRecord(np.arange(1, len(x) + 1), poses(*map(float, range(len(x)))), answers)


def test_left_out_messages_count_as_failures_and_poses_are_compared_one_by_one() -> None:
    lost = float("nan")
    reports = {1: FrameReport(1, "TRACKING", "tracker"), 3: FrameReport(3, "TRACKING", "tracker")}
    reports[4] = FrameReport(4, "LOST", category="NOT_VERIFIED")
    latency = np.array([0.1, lost, 0.3, lost])
    on_arrival = poses(0.1, lost, 2.3, lost)
    live = LiveRecord(poses(0.0, lost, 2.2, lost), reports, latency, on_arrival)
    figures = live_summary(replayed(0, 1, 2, 3, 4), live, metric=True)
    assert (figures["sent"], figures["answered"], figures["dropped"], figures["poses"]) == (
        4,
        3,
        1,
        2,
    )
    assert figures["rejections"] == {"NOT_VERIFIED": 1}
    assert figures["recall"]["0.25 m, 2 deg"] == {"replay": 1.0, "live": 0.5}
    assert figures["agreement"]["poses_in_both"] == 2
    assert figures["agreement"]["same_within_5_cm_and_half_a_degree"] == 1
    assert figures["agreement"]["only_in_replay"] == 1
    assert figures["error_on_arrival_m"]["median"] == pytest.approx(0.1)
    assert figures["latency_ms"]["p95"] == pytest.approx(300)
    assert live_headlines(figures)["answered live"] == "3 of 4 messages, 2 by a pose"


def test_node_and_replay_agree_on_the_same_bag(tmp_path: Path) -> None:
    pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels")
    pytest.importorskip("rclpy.executors")
    bag = write_recording(tmp_path / "bag")
    weights = write_weights(tmp_path / "rooms.safetensors")
    words = [str(bag), "--out", str(tmp_path / "out"), "--weights", str(weights), "--live"]
    words += ["--set", "bank_views=1000", "--rate", "0.25"]
    assert run(parse_arguments(words), Console(file=io.StringIO())) == 0
    figures = json.loads((tmp_path / "out" / "live.json").read_text())
    assert figures["sent"] == len(walk().pixels) == figures["answered"] + figures["dropped"]
    agreed = figures["agreement"]
    assert agreed["poses_in_both"] >= 3
    assert agreed["same_within_5_cm_and_half_a_degree"] == agreed["poses_in_both"]
    assert agreed["only_live"] == 0
    recall = figures["recall"]["0.25 m, 2 deg"]
    assert recall["live"] >= recall["replay"] - figures["dropped"] / figures["sent"] - 1e-6
