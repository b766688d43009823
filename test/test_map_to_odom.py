"""map -> odom is kept alive as AMCL keeps it; initial poses mean what RViz draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

from geometry_msgs.msg import PoseWithCovarianceStamped
from robot import SECOND, T_MAP_CAMERA, Robot, edge, shifted
from std_srvs.srv import SetBool

from bpnp_ros.nodes.messages import header, pose_message
from bpnp_ros.runtime.conversions import nanoseconds, read_transform

if TYPE_CHECKING:
    from conftest import RosWorld

T_ODOM_CAMERA = shifted(1)
T_MAP_ODOM = T_MAP_CAMERA @ np.linalg.inv(T_ODOM_CAMERA)
STAMP = 11 * SECOND


def with_odometry(ros: RosWorld) -> Robot:
    """A robot that knows odom to camera about STAMP."""
    often: dict[str, Any] = {"transform_publish_period": 0.05, "transform_timeout": 2.0}
    robot = Robot(ros, tf_mode="odom", **often).ready()
    for at in (STAMP - SECOND, STAMP + SECOND):
        robot.moving_tf.publish(edge("odom", "camera", T_ODOM_CAMERA, at))
    return robot


def map_to_odom(robot: Robot) -> list[int]:
    """Stamps of the node's transforms, in the order in which they came."""
    ours = [t for t in robot.tf if t.child_frame_id == "odom"]
    assert all(np.allclose(read_transform(t.transform), T_MAP_ODOM) for t in ours)
    return [nanoseconds(t.header.stamp) for t in ours]


def test_map_to_odom_is_kept_alive_while_nothing_new_is_known(ros: RosWorld) -> None:
    robot = with_odometry(ros)
    ros.spin(0.3)
    assert map_to_odom(robot) == []  # never before a fix
    robot.see(stamp=STAMP)
    ros.spin(1.0)
    stamps = map_to_odom(robot)
    assert stamps[0] == STAMP + SECOND  # a second ahead
    assert len(stamps) > 10 and stamps == sorted(set(stamps))
    assert 0.8 * SECOND < stamps[-1] - stamps[0] < 1.5 * SECOND


def test_map_to_odom_ends_when_the_node_is_disabled(ros: RosWorld) -> None:
    robot = with_odometry(ros)
    robot.see(stamp=STAMP)
    robot.until(lambda: len(map_to_odom(robot)) > 2)
    assert robot.call(SetBool, "enable", data=False).success
    ros.spin(0.2)
    robot.tf.clear()
    ros.spin(0.5)
    assert map_to_odom(robot) == []


@pytest.mark.parametrize("mode", ["camera", "base"])
def test_a_pose_of_camera_or_base_is_never_repeated(ros: RosWorld, mode: str) -> None:
    base = {"base_frame": "base"} if mode == "base" else {}
    robot = Robot(ros, tf_mode=mode, transform_publish_period=0.05, **base).ready()
    if base:
        robot.static_tf.publish(edge("base", "camera", shifted(1)))
        ros.spin(0.3)
    robot.until(lambda: robot.see() and robot.poses)
    ros.spin(0.3)
    stamps = [nanoseconds(t.header.stamp) for t in robot.tf if t.header.frame_id == "map"]
    assert len(stamps) == len(set(stamps)) == len(robot.poses)


def test_without_a_base_an_initial_pose_is_that_of_a_level_camera(
    ros: RosWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    """RViz draws an arrow on the floor: x points ahead, z up."""
    robot = Robot(ros, tf_mode="none").ready()
    covariance: Any = np.diag([0.25, 0.25, 0, 0, 0, 0.07])
    robot.initialpose.publish(pose_message(header(1, "map"), shifted(3, 4), covariance))
    robot.until(lambda: robot.see() and robot.localizer.asked[-1][2] is not None)
    T_map_camera = robot.localizer.asked[-1][2].T_map_camera
    assert np.allclose(T_map_camera[:3, 2], (1, 0, 0))  # the optical axis, along the arrow
    assert np.allclose(T_map_camera[:3, 1], (0, 0, -1))  # the image upright
    assert "a level camera (x ahead, z up)" in capfd.readouterr().err


def test_an_initial_pose_of_the_base_says_so(
    ros: RosWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    robot = Robot(ros, base_frame="/base", pose_frame="camera").ready()
    robot.initialpose.publish(PoseWithCovarianceStamped())
    ros.spin(0.3)
    assert "taken for that of 'base'" in capfd.readouterr().err
