"""What people who know Nav2 and its peers expect of a localization node."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.parameter import Parameter
from robot import NOT_VERIFIED, POINTS, SECOND, Robot, camera_info, edge, keypoints, shifted
from rooms import CONFIG, rooms

from bpnp_ros.localizer.types import Category
from bpnp_ros.nodes.messages import cloud_message, header, map_message
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.runtime.conversions import LONGEST_FRAME
from bpnp_ros.runtime.engine import Engine
from bpnp_ros.weights.bundle import MapBundle

if TYPE_CHECKING:
    from conftest import RosWorld


def test_deactivated_and_activated_again_it_knows_its_camera_and_map(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    robot.node.trigger_deactivate()
    robot.status(state="INACTIVE")
    robot.node.trigger_activate()
    robot.until(robot.keypoints.get_subscription_count)
    robot.status(ready="true", map_points="50")
    robot.camera_info.publish(camera_info())
    robot.see()
    robot.until(lambda: robot.poses)
    assert len(robot.localizers) == 1


def test_one_stamp_far_in_the_future_costs_one_message(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    robot.see()
    robot.see(stamp=2_000_000_000 * SECOND)
    for _ in range(3):
        robot.see()
    status = robot.status(state="TRACKING")
    assert (status["fixes"], status["rejections"]) == ("4", "BAD_KEYPOINTS 1")


def test_a_state_says_whether_it_follows_falters_is_lost_or_hears_nothing(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    robot.status(state="NO_KEYPOINTS", ready="true")
    robot.see()
    robot.status(state="TRACKING", level="0")
    localizer: Any = robot.localizer
    localizer.localize = lambda *_, **__: NOT_VERIFIED  # for a frame or two it goes on where it was
    robot.see()
    assert "NOT_VERIFIED" in robot.status(state="FALTERING", level="1")["message"]
    localizer.state = "LOST"
    robot.see()
    robot.status(state="LOST", level="1")
    ros.spin(2.1)
    assert "no keypoints for 2 s" in robot.status(state="NO_KEYPOINTS", level="1")["message"]


def test_who_follows_but_lacks_a_transform_falters(ros: RosWorld) -> None:
    robot = Robot(ros, tf_mode="base", base_frame="base").ready()
    assert "no TF" in robot.rejected(Category.NO_TRANSFORM)
    robot.status(state="FALTERING")


def test_diagnostics_are_global_with_the_full_name_and_the_cameras_frame(ros: RosWorld) -> None:
    robot = Robot(ros, namespace="front")
    robot.node.start()
    heard: list[DiagnosticArray] = []
    robot.hear(DiagnosticArray, "/diagnostics", heard.append)
    robot.until(lambda: heard)
    assert heard[-1].status[0].name == "/front/localization: localization"
    robot.node._pipeline.on_camera_info(camera_info())
    robot.until(lambda: heard[-1].status[0].hardware_id == "camera")


def test_gates_and_tracker_are_tuned_while_it_is_active(ros: RosWorld) -> None:
    def change(name: str, value: Any) -> Any:
        return robot.node.set_parameters([Parameter(name, value=value)])[0]

    robot = Robot(ros).ready()
    assert change("min_inliers", 20).successful and change("max_speed", 0.5).successful
    config = robot.localizer.config
    assert (config.min_inliers, config.max_speed) == (20, 0.5)
    assert "clean it up" in change("bank_views", 5000).reason
    assert not change("max_speed", -1.0).successful
    assert robot.node._configured.maps.engine.config == config  # of the maps to come


def test_frames_may_have_the_slash_of_ros_1(ros: RosWorld) -> None:
    robot = Robot(ros, tf_mode="base", base_frame="/base").started()
    robot.map.publish(map_message(header(1, "/map"), POINTS))
    info = camera_info()
    info.header.frame_id = "/camera"
    robot.camera_info.publish(info)
    robot.status(ready="true")
    robot.static_tf.publish(edge("/base", "/camera", shifted(0.2)))
    robot.until(lambda: robot.see() and robot.tf)
    assert ("map", "base") in {(t.header.frame_id, t.child_frame_id) for t in robot.tf}


def test_a_frame_of_any_length_fits_into_the_log(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    cloud = keypoints()
    cloud.header = header(90 * SECOND, "x" * 1_000_000)
    robot.keypoints.publish(cloud)
    reason = robot.status(category="NO_CAMERA_INFO")["reason"]
    assert "x" * (LONGEST_FRAME - 3) + "...'" in reason and len(reason) < 300


def test_a_camera_that_jitters_is_prepared_once_and_read_exactly(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    prepared = robot.localizer.prepared
    for frame in range(20):
        focal = 370 + 1e-3 * frame
        robot.camera_info.publish(camera_info(k=[focal, 0, 320, 0, focal, 240, 0, 0, 1.0]))
        robot.see()
    robot.camera_info.publish(camera_info(k=[371.0, 0, 320, 0, 371, 240, 0, 0, 1.0]))
    ros.spin(0.2)
    u = np.linspace(20, 600, 9)
    robot.see(cloud_message(header(1, "camera"), {"u": u, "v": np.zeros(9)}))
    assert np.allclose(np.sort(robot.localizer.asked[-1][0].xy[:, 0]), (u - 320) / 371)
    assert robot.localizer.prepared == prepared and robot.status()["fixes"] == "21"


def test_another_zoom_is_another_camera(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    prepared = robot.localizer.prepared
    robot.camera_info.publish(camera_info(k=[500.0, 0, 320, 0, 500, 240, 0, 0, 1.0]))
    robot.until(lambda: robot.localizer.prepared != prepared)


def test_a_map_that_changes_ten_times_a_second_leaves_time_to_answer(ros: RosWorld) -> None:
    robot = Robot(ros)
    build = robot.build

    def slowly(source: PointMap) -> Any:
        time.sleep(0.2)
        return build(source)

    robot.build = slowly  # type: ignore[method-assign]
    robot.started()
    robot.camera_info.publish(camera_info())
    for count in range(20, 50):
        robot.map.publish(map_message(header(1, "map"), POINTS[:count]))
        cloud = keypoints()
        cloud.header = header(20 * SECOND + count * SECOND // 10, "camera")
        robot.keypoints.publish(cloud)
        ros.spin(0.1)
    assert "the map changes often" in robot.status(ready="true")["map_waiting"]
    assert len(robot.localizers) < 10 and len(robot.poses) > 10
    robot.status(map_points="49", map_waiting="")


def test_preparation_shows_how_far_it_is_and_can_be_interrupted(ros: RosWorld) -> None:
    robot = Robot(ros).started()
    halfway, ended = threading.Event(), threading.Event()

    def prepare(frustum: Any, progress: Any) -> None:
        try:
            for _ in range(1000):
                progress(0.42)
                halfway.set()
                time.sleep(0.02)
        finally:
            ended.set()

    robot.map.publish(map_message(header(1, "map"), POINTS))
    robot.status(map_points="50", state="NO_CAMERA_INFO")
    robot.localizer.prepare = prepare  # type: ignore[method-assign, assignment]
    robot.camera_info.publish(camera_info())
    robot.until(halfway.is_set)
    robot.until(lambda: "42%" in robot.status(state="PREPARING")["message"])
    start = time.monotonic()
    robot.node.trigger_deactivate()
    assert time.monotonic() - start < 1.0 and ended.is_set()
    robot.status(state="INACTIVE")


def test_weights_alone_are_enough_to_start(ros: RosWorld, tmp_path: Path) -> None:
    model, bundle = rooms(), tmp_path / "hall.safetensors"
    MapBundle(model, None, {}, frame="hall").save(bundle)
    robot = Robot(ros, weights=str(bundle))
    config = replace(CONFIG, bank_views=1000)
    robot.node._make_engine = lambda settings, _: Engine.from_settings(settings, config)
    robot.started()
    robot.camera_info.publish(camera_info())
    status = robot.status(ready="true", map_frame="hall")
    assert status["map_points"] == str(len(model.point_map))
    localizer = robot.node._pipeline.maps.active.localizer
    points = model.point_map.points.astype(float) + model.point_map.origin
    robot.map.publish(map_message(header(1, "map"), points))
    robot.status(ready="true", map_frame="map")
    assert robot.node._pipeline.maps.active.localizer is localizer  # nothing is prepared twice
