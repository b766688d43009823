"""A live run without ROS: its pace, its record and its display, over a wire of the test's own."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bpnp_ros.demo.run import conclude
from bpnp_ros.demo.score import score_demo
from bpnp_ros.demo.session import Session
from bpnp_ros.demo.stream import make_stream
from bpnp_ros.demo.table import Display, Now, live_table, summary_table
from bpnp_ros.errors import BpnpError
from bpnp_ros.live.frame_report import FrameReport
from bpnp_ros.tools.demo import parse_arguments

STREAM = make_stream(0, 2.0, 10.0, 1)


class Wire:
    """As DemoLink; messages `silent` get no answer, the others the truth after `delay` seconds."""

    def __init__(self, silent: frozenset[int] = frozenset(), ready_after: int = 0) -> None:
        self.status: dict[str, str] = {}
        self.message = ""
        self.poses: list[SimpleNamespace] = []
        self.reports: dict[int, FrameReport] = {}
        self.camera_infos = 0
        self.sent: list[tuple[int, float]] = []
        self._silent, self._ready_after = silent, ready_after

    def send_map(self, points: np.ndarray) -> None:
        self.message = "NO_CAMERA_INFO: no CameraInfo yet"

    def send_camera_info(self, stamp_ns: int) -> None:
        self.camera_infos += 1
        if self.camera_infos > self._ready_after:
            self.status["ready"] = "true"

    def send_keypoints(self, stamp_ns: int, keypoints: np.ndarray) -> None:
        frame = len(self.sent)
        self.sent.append((stamp_ns, time.monotonic()))
        if frame in self._silent:
            return
        T = STREAM.path.T_map_camera[frame]
        pose = SimpleNamespace(stamp_ns=stamp_ns, T_map_camera=T, arrived=time.monotonic() + 0.02)
        self.poses.append(pose)
        proposer = "tracker" if frame % 10 else "bpnpnet_map"
        self.reports[stamp_ns] = FrameReport(stamp_ns, "TRACKING", proposer, inliers=30)

    def spin(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        time.sleep(max(min(seconds, 0.2), 0))
        return until()


class Node:
    """As NodeProcess, alive."""

    def check(self) -> None:
        pass

    def last_lines(self) -> str:
        return "its last words"


def session_with(wire: Wire) -> Session:
    parts: Any = (STREAM, wire, Node())
    return Session(*parts)


def printed(*things: Any) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(*things)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def display() -> Display:
    return Display(Console(file=io.StringIO(), width=100))


def test_messages_leave_at_the_streams_own_pace_with_its_stamps() -> None:
    wire = Wire()
    session_with(wire).play(display())
    stamps, sent_at = zip(*wire.sent, strict=True)
    np.testing.assert_array_equal(np.diff(stamps), 100_000_000)
    assert abs(stamps[0] / 1e9 - time.time()) < 60
    ahead = np.array(sent_at) - sent_at[0] - STREAM.path.stamps
    assert ahead.min() > -0.05


def test_what_came_back_is_recorded_beside_the_truth() -> None:
    wire = Wire(silent=frozenset({3, 4}))
    session = session_with(wire)
    session.play(display())
    score = score_demo(session.record())
    assert score.unanswered == 2
    assert score.global_fixes == {"bpnpnet_map": 2}
    assert [recovery.name for recovery in score.recoveries] == ["start", "kidnap 1"]
    assert score.latency["p50"] == pytest.approx(0.02, abs=0.01)
    np.testing.assert_allclose(score.published_errors.metres, 0)


def test_a_run_is_recorded_as_far_as_it_got() -> None:
    class Interrupted(Wire):
        def send_keypoints(self, stamp_ns: int, keypoints: np.ndarray) -> None:
            if len(self.sent) == 5:
                raise KeyboardInterrupt
            super().send_keypoints(stamp_ns, keypoints)

    session = session_with(Interrupted())
    with pytest.raises(KeyboardInterrupt):
        session.play(display())
    record = session.record()
    assert (len(record.sent), len(record.published), record.kidnaps) == (5, 5, ())


def test_the_stream_waits_until_the_node_is_ready() -> None:
    wire = Wire(ready_after=2)
    session_with(wire).wait_until_ready(10, display())
    assert wire.camera_infos == 3


def test_a_node_that_never_gets_ready_is_reported_with_what_is_missing() -> None:
    with pytest.raises(BpnpError, match=r"not ready after 1 s: NO_CAMERA_INFO[^$]*its last words"):
        session_with(Wire(ready_after=99)).wait_until_ready(1, display())


@pytest.mark.parametrize(
    ("silent", "control", "passed"),
    [([], [], True), (range(20), [], False), ([], ["--control", "pure-clutter"], False)],
)
def test_the_verdict_is_that_of_the_run_or_of_its_control(
    tmp_path: Path, silent: list[int], control: list[str], passed: bool
) -> None:
    session = session_with(Wire(silent=frozenset(silent)))
    session.play(display())
    arguments = parse_arguments(["--out", str(tmp_path), *control])
    assert conclude(session, STREAM, arguments, Console(file=io.StringIO())) is passed


def test_without_a_terminal_the_display_prints_plain_lines() -> None:
    console = Console(file=io.StringIO(), width=100)
    with Display(console) as plain:
        plain.wait("it starts")
        plain.wait("it starts")
        session_with(Wire()).play(plain)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "waiting for the node: it starts"
    assert "TRACKING  error 0.000 m  0.00°   30 inliers" in lines[1]
    assert not any("\x1b" in line for line in lines)


def test_the_table_leaves_open_what_may_still_come_and_judges_at_the_end() -> None:
    wire = Wire(silent=frozenset(range(20)))
    session = session_with(wire)
    session.play(display())
    record = session.record()
    score = score_demo(record)
    now = Now(1.0, 2.0, None)
    assert "…  first fix within 3 s" in printed(live_table(now, record, score))
    over = printed(summary_table(record, score, over=True))
    assert "✗  first fix within 3 s" in over and "not found" in over
    assert "20: 0 poses, 0 rejected, 20 not answered" in over
