"""The demo's page shows what happened, also when little did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from bpnp_ros.demo.figure import demo_figure
from bpnp_ros.demo.score import DemoRecord, score_demo
from bpnp_ros.evaluation.trajectory import Trajectory
from bpnp_ros.figures.panels import save_figure
from bpnp_ros.live.frame_report import FrameReport
from bpnp_ros.simulation.world import make_world

FRAMES, KIDNAPS = 90, (30, 60)
WORLD = make_world(0)


def run() -> DemoRecord:
    stamps = np.arange(FRAMES, dtype=np.int64) * 100_000_000
    truth = np.tile(np.eye(4), (FRAMES, 1, 1))
    truth[:, 0, 3] = np.linspace(1, 9, FRAMES)
    reports = [FrameReport(int(s), "TRACKING", "tracker", inliers=30) for s in stamps[1:]]
    reports[0] = FrameReport(int(stamps[1]), "TRACKING", "bpnpnet_map", inliers=30)
    reports[50] = FrameReport(int(stamps[51]), "LOST", category="NOT_VERIFIED")
    published = Trajectory(stamps[1:], truth[1:])
    return DemoRecord(
        Trajectory(stamps, truth), KIDNAPS, published, np.full(FRAMES - 1, 0.02), tuple(reports)
    )


def figure_of(record: DemoRecord) -> Figure:
    return demo_figure(WORLD, record, score_demo(record), "a run")


def legend_of(figure: Figure) -> list[str]:
    legend = figure.axes[0].get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def test_the_legend_names_the_proposers_that_found_the_camera_and_no_other() -> None:
    assert "global fix by bpnpnet_map" in legend_of(figure_of(run()))
    assert "global fix by likelihood_search" not in legend_of(figure_of(run()))


def test_every_message_without_a_pose_has_its_reason_on_the_page() -> None:
    labels = [label.get_text() for label in figure_of(run()).axes[-1].get_yticklabels()]
    assert labels == ["NOT_VERIFIED (1)", "no answer (1)"]


@pytest.mark.parametrize("frames", [FRAMES, 45, 1])
def test_a_run_in_which_nothing_was_found_can_be_drawn_whole_or_interrupted(
    tmp_path: Path, frames: int
) -> None:
    record = run()
    sent = Trajectory(record.sent.stamps_ns[:frames], record.sent.T_map_camera[:frames])
    none = Trajectory(np.zeros(0, np.int64), np.zeros((0, 4, 4)))
    kidnaps = tuple(row for row in KIDNAPS if row < frames)
    record = DemoRecord(sent, kidnaps, none, np.zeros(0), ())
    save_figure(figure_of(record), tmp_path / "page.png", dpi=40)
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
