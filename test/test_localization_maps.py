"""Maps that come, are replaced, repeated, refused; none of them ends the node."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

from robot import POINTS, SECOND, Robot, camera_info, edge
from sensor_msgs.msg import Imu, PointCloud2

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.types import Category
from bpnp_ros.nodes.messages import (
    header,
    map_message,
)
from bpnp_ros.nodes.qos import SENSOR

if TYPE_CHECKING:
    from conftest import RosWorld


def test_a_map_is_replaced_while_running_and_ignored_when_merely_repeated(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    robot.see()
    robot.map.publish(map_message(header(77, "map"), POINTS))
    robot.map.publish(map_message(header(1, "map"), POINTS[:30] + 1))
    robot.status(map_points="30", ready="true")
    assert len(robot.localizers) == 2
    robot.see()
    assert len(robot.localizer.asked) == 1


@pytest.mark.parametrize(
    ("points", "named"),
    [
        (np.zeros((0, 3)), "0 usable points"),
        (np.ones((50, 3)), "points"),
        (np.full((50, 3), np.nan), "0 usable points"),
    ],
)
def test_a_map_that_cannot_be_used_is_refused_and_the_last_one_stays(
    ros: RosWorld, points: np.ndarray, named: str
) -> None:
    robot = Robot(ros).started()
    robot.map.publish(map_message(header(1, "map"), points))
    status = robot.status(state="NO_MAP", level="2")
    assert named in status["message"]
    robot.map.publish(map_message(header(1, "map"), POINTS))
    robot.camera_info.publish(camera_info())
    robot.status(ready="true", map_refused="")
    robot.map.publish(PointCloud2(header=header(1, "map")))
    robot.until(lambda: "is missing" in robot.status(ready="true")["map_refused"])
    robot.see()
    robot.until(lambda: robot.poses)


def test_a_map_that_needs_too_much_memory_is_refused_with_numbers(ros: RosWorld) -> None:
    robot = Robot(ros, memory_limit=0.5).started()
    robot.map.publish(map_message(header(1, "map"), POINTS))
    assert "need 1.0 GiB; memory_limit allows 0.5" in robot.status(level="2")["message"]


def test_a_map_in_another_frame_than_stated_is_refused(ros: RosWorld) -> None:
    robot = Robot(ros, map_frame="site").started()
    robot.map.publish(map_message(header(1, "map"), POINTS))
    assert "frame 'map', but map_frame is 'site'" in robot.status(level="2")["message"]


def test_a_model_without_scale_gives_a_pose_but_no_tf(ros: RosWorld, tmp_path: Any) -> None:
    np.savez(tmp_path / "map.npz", points=POINTS)
    robot = Robot(ros, map_file=str(tmp_path / "map.npz")).started()
    assert robot.status(map_metric="true")
    maps = robot.node._configured.maps
    maps.active = replace(maps.active, metric=False)
    robot.camera_info.publish(camera_info())
    robot.status(ready="true", map_metric="false")
    robot.see()
    robot.until(lambda: robot.poses)
    ros.spin(0.3)
    assert robot.tf == []


def test_the_diagnostics_name_the_proposers_and_the_weights_of_the_package(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    status = robot.status(ready="true")
    assert status["proposers"] == "likelihood_search bpnpnet"
    assert status["weights"] == "those that come with bpnp_ros"


def test_a_camera_whose_mounting_gravity_tells_waits_for_an_imu_that_is_still(
    ros: RosWorld,
) -> None:
    robot = Robot(ros)
    robot.config = LocalizerConfig(motion="floor", camera_mounting="gravity")
    robot.started()
    imu = robot.tester.create_publisher(Imu, "imu", SENSOR)
    robot.until(imu.get_subscription_count)
    robot.map.publish(map_message(header(1, "map"), POINTS))
    robot.camera_info.publish(camera_info())
    assert "an Imu on the topic imu" in robot.status(state="NO_MAP", ready="true")["message"]
    assert "on the topic imu" in robot.rejected(Category.NO_TRANSFORM)
    robot.static_tf.publish(edge("imu", "camera", np.eye(4)))
    for i in range(40):
        message = Imu(header=header(SECOND + i * SECOND // 20, "imu"))
        message.orientation_covariance[0] = -1.0
        message.linear_acceleration.y = -9.81
        imu.publish(message)
        ros.spin(0.02)
    robot.see()
    assert "held as gravity by Imu 'imu' says" in robot.status(map_points="50")["assumed"]
