"""What the localization node publishes, and what it says of input that it cannot use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

from nav_msgs.msg import Path
from robot import (
    COVARIANCE,
    NOT_VERIFIED,
    POINTS,
    RNG,
    SECOND,
    T_MAP_CAMERA,
    Robot,
    camera_info,
    fix_at,
    keypoints,
    shifted,
)
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import MarkerArray

from bpnp_ros.localizer.types import Category, Fix
from bpnp_ros.nodes.messages import (
    cloud_message,
    header,
    map_message,
)
from bpnp_ros.runtime.conversions import read_pose, read_transform

if TYPE_CHECKING:
    from conftest import RosWorld


def test_with_map_and_camera_it_says_that_it_is_ready(ros: RosWorld) -> None:
    robot = Robot(ros).started()
    assert "no map" in robot.status(state="NO_MAP", ready="false")["message"]
    robot.map.publish(map_message(header(1, "map"), POINTS))
    assert "no CameraInfo" in robot.status(state="NO_CAMERA_INFO", ready="false")["message"]
    robot.camera_info.publish(camera_info())
    status = robot.status(state="NO_KEYPOINTS", ready="true")
    assert status["map_points"] == "50" and status["device"] == "cpu"
    assert "no keypoints have arrived yet" in status["message"]


def test_a_fix_becomes_pose_and_tf_with_the_stamp_of_the_image(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    stamp = robot.see()
    robot.until(lambda: robot.poses and robot.tf)
    (pose,), (transform,) = robot.poses, robot.tf
    T, covariance = read_pose(pose.pose)
    assert np.allclose(T, T_MAP_CAMERA) and np.allclose(covariance, COVARIANCE)
    assert pose.header == transform.header == header(stamp, "map")
    assert transform.child_frame_id == "camera"
    assert np.allclose(read_transform(transform.transform), T_MAP_CAMERA)
    status = robot.status(state="TRACKING", level="0")
    assert status["proposer"] == "likelihood"
    assert (status["inliers"], status["latency_refine_ms"]) == ("20", "20.0")
    assert status["sigma_position_m"] == "0.0173"


def test_a_rejection_is_told_and_nothing_is_published(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    robot.localizer.answer = lambda: NOT_VERIFIED
    assert robot.rejected(Category.NOT_VERIFIED) == "chance explains as much"
    assert "NOT_VERIFIED" in robot.status(state="LOST", rejections="NOT_VERIFIED 1")["message"]


def test_a_map_five_thousand_kilometres_away_keeps_its_millimetres(ros: RosWorld) -> None:
    robot = Robot(ros).started()
    far = np.array([5_000_000.0, 4_000_000.0, 100.0])
    robot.map.publish(map_message(header(1, "utm"), POINTS + far))
    robot.camera_info.publish(camera_info())
    robot.status(ready="true")
    T = shifted(*(far + 0.001))
    robot.localizer.answer = lambda: fix_at(T)
    robot.see()
    robot.until(lambda: robot.poses and robot.tf)
    assert np.abs(read_pose(robot.poses[0].pose)[0] - T).max() < 1e-8
    assert np.abs(read_transform(robot.tf[0].transform) - T).max() < 1e-8
    assert robot.tf[0].header.frame_id == "utm"


def test_matches_and_path_are_made_for_those_who_look(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    matches: list[MarkerArray] = []
    paths: list[Path] = []
    robot.hear(MarkerArray, "matches", matches.append)
    robot.hear(Path, "path", paths.append)
    robot.until(lambda: robot.see() and robot.see() and matches and len(paths) > 1)
    spots, rays = matches[-1].markers
    assert np.allclose([spots.points[3].x, spots.points[3].y], POINTS[3, :2], atol=1e-5)
    assert len(rays.points) == 2 * len(spots.points) == 40
    assert len(paths[-1].poses) == len(paths)


@pytest.mark.parametrize(
    ("cloud", "category", "named"),
    [
        (keypoints(0), Category.TOO_FEW_KEYPOINTS, "0 of 0"),
        (keypoints(1), Category.TOO_FEW_KEYPOINTS, "1 of 1"),
        (
            keypoints(u=np.full(40, np.nan), v=np.full(40, np.inf)),
            Category.TOO_FEW_KEYPOINTS,
            "not finite",
        ),
        (keypoints(u=np.full(40, 5.0), v=np.full(40, 5.0)), Category.TOO_FEW_KEYPOINTS, "dupl"),
        (keypoints(u=np.zeros(40)), Category.BAD_KEYPOINTS, "'v' is missing"),
    ],
)
def test_keypoints_that_cannot_be_used_are_rejected(
    ros: RosWorld, cloud: PointCloud2, category: Category, named: str
) -> None:
    robot = Robot(ros).ready()
    assert named in robot.rejected(category, cloud)
    robot.see()
    robot.until(lambda: robot.poses)


def test_a_camera_without_calibration_is_rejected_until_it_has_one(ros: RosWorld) -> None:
    robot = Robot(ros).started()
    robot.map.publish(map_message(header(1, "map"), POINTS))
    robot.status(state="NO_CAMERA_INFO")
    assert "no CameraInfo for frame 'camera'" in robot.rejected(Category.NO_CAMERA_INFO)
    robot.camera_info.publish(camera_info(k=[0.0] * 9))
    assert "K is zero" in robot.status(state="NO_CAMERA_INFO")["message"]
    assert "K is zero" in robot.rejected(Category.BAD_CAMERA_INFO)
    robot.camera_info.publish(camera_info())
    robot.status(ready="true")
    robot.see()
    robot.until(lambda: robot.poses)


def test_bearings_need_no_camera_info(ros: RosWorld) -> None:
    robot = Robot(ros).started()
    robot.map.publish(map_message(header(1, "map"), POINTS))
    robot.status(state="NO_CAMERA_INFO")
    xy = RNG.uniform(-0.8, 0.8, (2, 40)).astype(np.float32)
    robot.see(keypoints(x=xy[0], y=xy[1], z=np.ones(40, np.float32)))
    robot.until(lambda: robot.poses)
    assert robot.status(ready="true")["state"] == "TRACKING"


def test_an_error_inside_is_a_rejection_and_not_the_end(ros: RosWorld) -> None:
    def stumble() -> Fix:
        raise ZeroDivisionError("division by zero")

    robot = Robot(ros).ready()
    robot.localizer.answer = stumble
    assert "ZeroDivisionError" in robot.rejected(Category.INTERNAL_ERROR)
    robot.localizer.answer = fix_at
    robot.see()
    robot.until(lambda: robot.poses)


def test_a_stamp_of_zero_or_out_of_order_is_rejected(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    stamp = robot.see()
    robot._stamp = stamp - SECOND // 2
    assert "not later" in robot.rejected(Category.BAD_KEYPOINTS)
    robot.keypoints.publish(cloud_message(header(0, "camera"), {"u": np.zeros(9)}))
    assert "stamp is zero" in robot.status(stamp="0.000000000")["reason"]
