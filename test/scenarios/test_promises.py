"""What may happen to a robot: nothing wrong is published, it is said why, and the answer returns.

Over real DDS, to a node in a process of its own. Wrong: off by more than half a metre or 5 degrees.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")
from rooms import world
from stage import STEP, walk

from bpnp_ros.simulation.observation import DetectorNoise

if TYPE_CHECKING:
    from stage import Stage


@pytest.fixture(autouse=True)
def following(stage: Stage) -> None:
    """Every scenario begins with a camera that is followed in the right map."""
    stage.until_right(walk()[:8])


def test_kidnapped(stage: Stage) -> None:
    with stage.nothing_wrong():
        assert stage.until_right(walk(4)[100:116]) <= 14
    assert stage.link.status["state"] == "TRACKING"


def test_sixty_per_cent_clutter(stage: Stage) -> None:
    with stage.nothing_wrong():
        stage.follow(walk()[8:24], DetectorNoise(missed=0.3, clutter=0.6))
    assert stage.until_right(walk()[24:30]) <= 3


def test_dark_for_five_seconds(stage: Stage) -> None:
    with stage.nothing_wrong():
        for T in walk()[8:58]:
            report = stage.send(np.zeros((0, 2)), T)
        assert report.category == "TOO_FEW_KEYPOINTS"
        assert "0 of 0 keypoints" in stage.link.message
        assert stage.until_right(walk()[58:110:2]) <= 20


def test_wrong_initial_pose(stage: Stage) -> None:
    with stage.nothing_wrong():
        stage.give_initial_pose(walk(4)[100])
        stage.until_right(walk()[8:38])


def test_camera_at_another_height(stage: Stage) -> None:
    low = walk()[8:20].copy()
    low[:, 2, 3] -= 1.1
    with stage.nothing_wrong():
        reports = stage.follow(low)
        assert reports[-1].category
        assert stage.until_right(walk()[20:32]) <= 8


def test_moved_furniture(stage: Stage) -> None:
    """A cupboard before the camera is shifted; all else in view tells where the camera is."""
    ahead = walk()[12] @ [0.0, 0.0, 2.5, 1.0]
    near = np.linalg.norm(world().landmarks - ahead[:3], axis=1) < 0.9
    moved = world().landmarks + near[:, None] * [0.0, 0.7, 0.0]
    stage.shown = replace(world(), landmarks=moved)
    with stage.nothing_wrong():
        stage.follow(walk()[8:28])
        stage.shown = world()
        stage.until_right(walk()[28:40])


def test_clock_jumps(stage: Stage) -> None:
    with stage.nothing_wrong():
        stage.stamp -= 36_000 * STEP
        first = stage.see(walk()[8])
        assert first.category == "BAD_KEYPOINTS" and "before the last one" in stage.link.message
        stage.until_right(walk()[9:20])
        stage.stamp += 36_000 * STEP
        assert stage.see(walk()[20]).category == "BAD_KEYPOINTS"
        stage.until_right(walk()[21:32])


def test_restart_of_the_localization_node(stage: Stage) -> None:
    with stage.nothing_wrong():
        stage.restart_node()
        stage.until_right(walk()[8:16])


def test_restart_of_camera_and_detector(stage: Stage) -> None:
    with stage.nothing_wrong():
        stage.link.start_anew()
        stage.until_right(walk()[8:16])
