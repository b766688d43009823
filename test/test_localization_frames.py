"""TF by mode with extrinsics and odometry, and initial poses that become priors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

from geometry_msgs.msg import PoseWithCovarianceStamped
from robot import SECOND, T_MAP_CAMERA, Robot, edge, shifted

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.localizer.types import Category
from bpnp_ros.nodes.messages import (
    header,
    pose_message,
)
from bpnp_ros.runtime.conversions import read_pose, read_transform
from bpnp_ros.runtime.frames import move_covariance

if TYPE_CHECKING:
    from conftest import RosWorld


def test_base_hangs_below_the_map_by_the_extrinsics_of_tf(ros: RosWorld) -> None:
    robot = Robot(ros, tf_mode="base", base_frame="base").ready()
    assert "no TF from 'camera' to 'base'" in robot.rejected(Category.NO_TRANSFORM)
    T_base_camera = shifted(0.2, 0, 1.0)
    robot.static_tf.publish(edge("base", "camera", T_base_camera))
    robot.until(lambda: robot.see() and robot.poses)
    robot.until(lambda: robot.tf)
    T_map_base = T_MAP_CAMERA @ np.linalg.inv(T_base_camera)
    assert robot.tf[-1].child_frame_id == "base"
    assert np.allclose(read_transform(robot.tf[-1].transform), T_map_base)
    assert np.allclose(read_pose(robot.poses[-1].pose)[0], T_map_base)


def test_odometry_at_the_stamp_of_the_image_gives_map_to_odom_dated_ahead(ros: RosWorld) -> None:
    robot = Robot(ros, tf_mode="odom", transform_tolerance=0.3, transform_timeout=2.0).ready()
    robot.static_tf.publish(edge("base", "camera", shifted(0.2)))
    stamp = 11 * SECOND
    robot.moving_tf.publish(edge("odom", "base", shifted(1), stamp - SECOND // 2))
    robot.moving_tf.publish(edge("odom", "base", shifted(2), stamp + SECOND // 2))
    robot.see(stamp=stamp)
    ours = robot.until(lambda: [t for t in robot.tf if t.child_frame_id == "odom"])[0]
    expected = T_MAP_CAMERA @ np.linalg.inv(shifted(1.5) @ shifted(0.2))
    assert np.allclose(read_transform(ours.transform), expected)
    assert ours.header == header(stamp + 3 * SECOND // 10, "map")
    assert robot.poses[0].header == header(stamp, "map")


def test_a_camera_that_has_a_parent_is_not_given_a_second_one(ros: RosWorld) -> None:
    robot = Robot(ros, tf_mode="camera").ready()
    robot.static_tf.publish(edge("arm", "camera", shifted(0.2)))
    ros.spin(0.5)
    reason = robot.rejected(Category.NO_TRANSFORM)
    assert "'camera' has the parent 'arm'" in reason and "tf_mode" in reason


def test_without_tf_only_the_pose_is_published(ros: RosWorld) -> None:
    robot = Robot(ros, tf_mode="none").ready()
    robot.see()
    robot.until(lambda: robot.poses)
    ros.spin(0.3)
    assert robot.tf == []


def initial_pose(frame: str = "map") -> PoseWithCovarianceStamped:
    return pose_message(header(1, frame), T_MAP_CAMERA, np.diag([0.25, 0.25, 0, 0, 0, 0.07]))


def test_an_initial_pose_becomes_a_prior_of_the_camera(ros: RosWorld) -> None:
    robot = Robot(ros, tf_mode="none", base_frame="base").ready()
    robot.static_tf.publish(edge("base", "camera", shifted(0, 0, 1)))
    robot.static_tf.publish(edge("map", "site", shifted(100)))
    ros.spin(0.5)
    robot.initialpose.publish(initial_pose("site"))
    robot.until(lambda: robot.see() and robot.localizer.asked[-1][2] is not None)
    prior = robot.localizer.asked[-1][2]
    assert np.allclose(prior.T_map_camera, shifted(100) @ T_MAP_CAMERA @ shifted(0, 0, 1))
    assert np.all(np.linalg.eigvalsh(prior.covariance) > 0.01)
    robot.see()
    assert robot.localizer.asked[-1][2] is None


def test_an_initial_pose_in_an_unknown_frame_is_refused_loudly(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    robot.initialpose.publish(initial_pose("mars"))

    def refusal() -> str:
        robot.see()
        return robot.status()["initialpose_refused"]

    assert "'mars'" in robot.until(refusal)
    assert all(prior is None for _, _, prior in robot.localizer.asked)


def test_the_covariance_of_the_base_is_that_of_the_camera_at_the_end_of_a_lever() -> None:
    """Against the covariance of many poses, disturbed about the map's axes."""
    T_camera_base = shifted(0.3, -0.2, 1.0)
    rng = np.random.default_rng(0)  # its own: others draw as often as messages come
    A = rng.normal(size=(6, 6))
    covariance = 1e-6 * A @ A.T
    disturbed = rng.multivariate_normal(np.zeros(6), covariance, 40_000)
    R = so3_exp(torch.from_numpy(disturbed[:, 3:])).numpy() @ T_MAP_CAMERA[:3, :3]
    lever = T_camera_base[:3, 3]
    moved = disturbed[:, :3] + (R - T_MAP_CAMERA[:3, :3]) @ lever
    expected = np.cov(np.hstack([moved, disturbed[:, 3:]]).T)
    found = move_covariance(covariance, T_MAP_CAMERA, T_camera_base)
    assert np.abs(found - expected).max() < 0.03 * np.abs(expected).max()
    assert np.abs(found - covariance).max() > 0.2 * np.abs(expected).max()


def test_a_robot_on_a_floor_gets_the_mounting_from_tf_and_says_so_while_it_is_missing(
    ros: RosWorld,
) -> None:
    robot = Robot(ros, base_frame="base", tf_mode="none")
    robot.config = LocalizerConfig(motion="floor")
    robot.ready()
    assert "how the camera is mounted is not known" in robot.rejected(Category.NO_TRANSFORM)
    assert robot.localizers == []
    robot.static_tf.publish(edge("base", "camera", T_MAP_CAMERA))
    robot.until(lambda: robot.see() and robot.poses)
    assert np.allclose([float(w) for w in robot.config.camera_mounting.split()], 0, atol=1e-6)
