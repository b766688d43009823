"""Services, time, load, lifecycle and parameters of the localization node."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

from lifecycle_msgs.msg import State
from rclpy.parameter import Parameter
from robot import NOT_VERIFIED, POINTS, SECOND, Robot, camera_info, keypoints
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import PointCloud2
from std_srvs.srv import SetBool, Trigger

from bpnp_ros.errors import WeightsError
from bpnp_ros.localizer.types import Category
from bpnp_ros.nodes.messages import header, map_message, time_message
from bpnp_ros.nodes.qos import RELIABLE

if TYPE_CHECKING:
    from conftest import RosWorld


def test_relocalize_searches_anew_or_says_why_it_cannot(ros: RosWorld) -> None:
    robot = Robot(ros).started()
    response = robot.call(Trigger, "relocalize")
    assert not response.success and "no map" in response.message
    robot.ready()
    robot.see()
    response = robot.call(Trigger, "relocalize")
    assert response.success and "whole map" in response.message
    robot.until(lambda: robot.localizer.resets)


def test_a_disabled_node_ignores_keypoints_until_it_is_enabled(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    assert robot.call(SetBool, "enable", data=False).success
    robot.keypoints.publish(keypoints())
    robot.status(state="DISABLED", received="1")
    assert robot.localizer.asked == []
    assert robot.call(SetBool, "enable", data=True).success
    robot.see()
    robot.until(lambda: robot.poses)


def test_keypoints_that_come_right_after_enabling_are_answered(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    worker_goes_on = threading.Event()
    robot.node._pipeline._worker.submit("map", lambda: worker_goes_on.wait(20))
    assert robot.call(SetBool, "enable", data=True).success
    cloud = keypoints()
    cloud.header = header(5 * SECOND, "camera")
    robot.keypoints.publish(cloud)
    robot.status(received="1")
    worker_goes_on.set()
    robot.until(lambda: robot.poses)


def test_when_time_jumps_back_tracking_and_camera_are_forgotten(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    robot.see(stamp=100 * SECOND)
    robot._stamp = 50 * SECOND
    assert "before the last one" in robot.rejected(Category.BAD_KEYPOINTS)
    assert "before the last one" in robot.rejected(Category.BAD_KEYPOINTS)
    assert "no CameraInfo" in robot.rejected(Category.NO_CAMERA_INFO)
    assert robot.localizer.resets
    robot.camera_info.publish(camera_info())
    robot.until(lambda: robot.see() and len(robot.poses) > 1)


def test_a_simulated_clock_that_jumps_back_is_noticed_without_keypoints(ros: RosWorld) -> None:
    robot = Robot(ros, use_sim_time=True).started()
    clock = robot.tester.create_publisher(Clock, "/clock", 10)
    robot.until(clock.get_subscription_count)
    robot.camera_info.publish(camera_info())
    robot.map.publish(map_message(header(1, "map"), POINTS))
    for second in (100, 101, 50):
        clock.publish(Clock(clock=time_message(second * SECOND)))
        ros.spin(0.3)
    assert "no CameraInfo" in robot.rejected(Category.NO_CAMERA_INFO)


def test_a_publisher_of_another_qos_is_reported_with_the_parameter_that_mends_it(
    ros: RosWorld,
) -> None:
    robot = Robot(ros)
    volatile = robot.tester.create_publisher(PointCloud2, "point_map", RELIABLE)
    robot.node.start()
    robot.until(lambda: "/point_map" in robot.status(state="NO_MAP")["message"])
    advice = robot.status(state="NO_MAP")["message"]
    assert (
        "set the parameter 'qos_overrides./point_map.subscription.durability' to 'volatile'"
        in advice
    )
    assert volatile.get_subscription_count() == 0


def test_an_overridden_qos_gets_the_map_of_such_a_publisher(ros: RosWorld) -> None:
    robot = Robot(ros, **{"qos_overrides./point_map.subscription.durability": "volatile"})
    volatile = robot.tester.create_publisher(PointCloud2, "point_map", RELIABLE)
    robot.node.start()
    robot.until(volatile.get_subscription_count)
    volatile.publish(map_message(header(1, "map"), POINTS))
    robot.status(map_points="50")


def test_while_it_is_lost_the_latest_frame_wins_and_the_others_are_counted(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    robot.localizer.answer = lambda: NOT_VERIFIED
    robot.localizer.gate.clear()
    for number in range(1, 6):
        cloud = keypoints()
        cloud.header = header((20 + number) * SECOND, "camera")
        robot.keypoints.publish(cloud)
        robot.status(received=str(number))
        robot.until(lambda: robot.localizer.asked)
    robot.localizer.gate.set()
    robot.status(rejections="NOT_VERIFIED 2", dropped="3")
    assert [stamp for _, stamp, _ in robot.localizer.asked] == [21, 25]


def test_after_a_slow_search_the_tracker_goes_through_what_came_meanwhile(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    robot.localizer.gate.clear()
    for tenth in range(1, 11):
        cloud = keypoints()
        cloud.header = header(20 * SECOND + tenth * SECOND // 10, "camera")
        robot.keypoints.publish(cloud)
        robot.status(received=str(tenth))
        robot.until(lambda: robot.localizer.asked)
    robot.localizer.gate.set()
    status = robot.status(stamp="21.000000000")
    stamps = [stamp for _, stamp, _ in robot.localizer.asked]
    assert stamps == pytest.approx(np.linspace(20.1, 21.0, 10))
    assert (status["fixes"], status["dropped"]) == ("10", "0")


def test_a_manager_takes_it_through_its_life_and_back(ros: RosWorld) -> None:
    robot = Robot(ros, autostart=False)
    robot.node.start()
    robot.status(state="UNCONFIGURED")
    robot.node.trigger_configure()
    robot.status(state="INACTIVE")
    for _ in range(2):
        robot.node.trigger_activate()
        robot.map.publish(map_message(header(1, "map"), POINTS))
        robot.status(map_points="50")
        robot.node.trigger_deactivate()
        robot.status(state="INACTIVE")
        assert not robot.node.count_subscribers("keypoints")
    robot.node.trigger_cleanup()
    robot.status(state="UNCONFIGURED")
    assert robot.node._state_machine.current_state[0] == State.PRIMARY_STATE_UNCONFIGURED


def test_weights_that_cannot_be_read_leave_a_node_that_says_so(ros: RosWorld) -> None:
    def make_engine(*_: Any) -> Any:
        raise WeightsError("my.safetensors is truncated; copy it again.")

    robot = Robot(ros)
    robot.node._make_engine = make_engine
    robot.node.start()
    status = robot.status(state="UNCONFIGURED", level="2")
    assert "truncated" in status["message"]


def test_a_tf_mode_without_its_frame_is_refused_at_configuration(ros: RosWorld) -> None:
    robot = Robot(ros, tf_mode="base")
    robot.node.start()
    assert "base_frame is empty" in robot.status(state="UNCONFIGURED")["message"]


def test_parameters_are_described_and_fixed_while_in_use(ros: RosWorld) -> None:
    robot = Robot(ros)
    robot.node.start()
    (result,) = robot.node.set_parameters([Parameter("tf_mode", value="none")])
    assert not result.successful and "clean it up" in result.reason
    robot.node.trigger_deactivate()
    robot.node.trigger_cleanup()
    results = robot.node.set_parameters(
        [
            Parameter("tf_mode", value="none"),
            Parameter("tf_mode", value="sideways"),
            Parameter("memory_limit", value=0.0),
            Parameter("autostart", value=False),
        ]
    )
    assert [result.successful for result in results] == [True, False, False, False]
    assert "must be one of camera" in results[1].reason
