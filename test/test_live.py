"""The node with the real localiser and weights: fixes over ROS, foreign and broken weights."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

from robot import SECOND, Robot, camera_info
from rooms import CONFIG, look, pose_error, rooms, world

from bpnp_ros.configuration.parameters import LocalizationSettings, LocalizerConfig
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.nodes.messages import cloud_message, header, map_message
from bpnp_ros.runtime.conversions import nanoseconds, read_pose
from bpnp_ros.runtime.engine import Engine
from bpnp_ros.simulation.camera_path import make_camera_path

if TYPE_CHECKING:
    from conftest import RosWorld

BUNDLE = Path(__file__).resolve().parents[1] / "bpnp_ros" / "data" / "demo_bundle.safetensors"


def test_a_walking_camera_is_found_and_followed_over_ros(ros: RosWorld) -> None:
    localizer = Localizer(rooms(), None, CONFIG)
    robot = Robot(
        ros, SimpleNamespace(build=lambda _: localizer, config=CONFIG, bundle=None)
    ).started()
    robot.map.publish(map_message(header(1, "map"), world().landmarks))
    robot.camera_info.publish(camera_info())
    robot.status(ready="true")
    path, rng = make_camera_path(world().plan, 1, 2.0, 5.0, 0), np.random.default_rng(0)
    stamps = (round(second * SECOND) + SECOND for second in path.stamps)
    truth = dict(zip(stamps, path.T_map_camera, strict=True))
    for stamp, T_map_camera in truth.items():
        u, v = look(T_map_camera, rng).keypoints.xy.T * 370
        cloud = cloud_message(header(stamp, "camera"), {"u": u + 320, "v": v + 240})
        robot.see(cloud, stamp)
    robot.until(lambda: len(robot.poses) >= len(truth) - 3)
    for pose in robot.poses:
        metres, degrees = pose_error(read_pose(pose.pose)[0], truth[nanoseconds(pose.header.stamp)])
        assert metres < 0.25 and degrees < 2
    assert robot.status(state="TRACKING")["proposer"] == "tracker"


def test_weights_that_were_cut_off_leave_a_node_that_says_so(ros: RosWorld, tmp_path: Path) -> None:
    broken = tmp_path / "cut.safetensors"
    broken.write_bytes(BUNDLE.read_bytes()[:-1000])
    robot = Robot(ros, weights=str(broken))
    robot.node._make_engine = Engine.from_settings
    robot.node.start()
    status = robot.status(state="UNCONFIGURED", level="2")
    assert "cut.safetensors" in status["message"]
    assert "Traceback" not in status["message"]


def test_with_weights_of_another_map_the_other_proposers_carry_on(ros: RosWorld) -> None:
    config = LocalizerConfig(bank_views=1000, most_points=150)
    engine = Engine.from_settings(LocalizationSettings(weights=str(BUNDLE), device="cpu"), config)
    robot = Robot(ros, engine).started()
    robot.map.publish(map_message(header(1, "map"), world().landmarks))
    robot.camera_info.publish(camera_info())
    assert "MAP_UNKNOWN" in robot.status(ready="true")["notes"]
