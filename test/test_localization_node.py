"""The localization node over real topics, around a localiser that answers what it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseWithCovarianceStamped
from lifecycle_msgs.msg import State
from nav_msgs.msg import Path
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, PointCloud2
from std_srvs.srv import SetBool, Trigger
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from bpnp_ros.errors import WeightsError
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.nodes.conversions import read_pose, read_transform
from bpnp_ros.nodes.localization_node import LocalizationNode
from bpnp_ros.nodes.messages import (
    cloud_message,
    header,
    map_message,
    pose_message,
    transform_message,
)
from bpnp_ros.nodes.qos import LATCHED, SENSOR
from bpnp_ros.point_map.point_map import PointMap

if TYPE_CHECKING:
    from test.conftest import RosWorld

SECOND = 1_000_000_000
RNG = np.random.default_rng(0)
POINTS = RNG.uniform(-5, 5, (50, 3))
T_MAP_CAMERA = np.array([[0.0, 0, 1, 3], [-1, 0, 0, 4], [0, -1, 0, 1.5], [0, 0, 0, 1]])
COVARIANCE = np.diag([1e-4, 2e-4, 3e-4, 1e-5, 2e-5, 3e-5])
NOT_VERIFIED = Rejection(Category.NOT_VERIFIED, "chance explains as much")


def fix_at(T_map_camera: np.ndarray = T_MAP_CAMERA) -> Fix:
    pairs = np.arange(20)
    timings = {"propose": 0.01, "refine": 0.02}
    return Fix(T_map_camera, COVARIANCE, pairs, pairs, 0.8, "likelihood", 99.0, 20.0, timings)


class FakeLocalizer:
    """Waits at its gate, then answers what the test tells it to."""

    def __init__(self, points: np.ndarray) -> None:
        space = SimpleNamespace(anchors=torch.zeros(1))
        self.map_model = SimpleNamespace(point_map=PointMap.recentred(points), view_space=space)
        self.state, self.notes, self.resets = "LOST", ["built from the cloud alone"], 0
        self.asked: list[tuple[Any, float, Any]] = []
        self.answer: Callable[[], Fix | Rejection] = fix_at
        self.gate = threading.Event()
        self.gate.set()

    def prepare(self, frustum: Any) -> None:
        self.gate.wait(20)

    def localize(self, keypoints: Any, stamp: float, prior: Any = None) -> Fix | Rejection:
        self.asked.append((keypoints, stamp, prior))
        self.gate.wait(20)
        answer = self.answer()
        self.state = "TRACKING" if isinstance(answer, Fix) else "LOST"
        return answer

    def reset(self) -> None:
        self.resets += 1
        self.state = "LOST"

    def memory_estimate(self) -> int:
        return 2**30


class Robot:
    """Has a localization node; sends it what a robot does, and keeps what it sends."""

    def __init__(self, ros: RosWorld, **parameters: Any) -> None:
        self._ros, self._tester = ros, ros.node()
        self.localizers: list[FakeLocalizer] = []
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        self.node: Any = ros.add(LocalizationNode(lambda *_: self, parameter_overrides=overrides))
        self._stamp = 10 * SECOND
        self._make_publishers()
        self.poses: list[PoseWithCovarianceStamped] = []
        self.tf: list[Any] = []
        self.statuses: list[DiagnosticStatus] = []
        self.hear(PoseWithCovarianceStamped, "pose", self.poses.append)
        self.hear(TFMessage, "/tf", lambda m: self.tf.extend(m.transforms))
        self.hear(DiagnosticArray, "diagnostics", lambda m: self.statuses.extend(m.status))

    def hear(self, kind: type, topic: str, callback: Callable[[Any], Any]) -> None:
        self._tester.create_subscription(kind, topic, callback, 100)

    def _make_publishers(self) -> None:
        publisher = self._tester.create_publisher
        static = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.map = publisher(PointCloud2, "map", LATCHED)
        self.camera_info = publisher(CameraInfo, "camera_info", SENSOR)
        self.keypoints = publisher(PointCloud2, "keypoints", SENSOR)
        self.initialpose = publisher(PoseWithCovarianceStamped, "initialpose", 1)
        self.static_tf = publisher(TFMessage, "/tf_static", static)
        self.moving_tf = publisher(TFMessage, "/tf", 100)

    def build(self, points: np.ndarray) -> Any:
        """As `Engine.build`."""
        self.localizers.append(FakeLocalizer(points))
        return self.localizers[-1]

    @property
    def localizer(self) -> FakeLocalizer:
        return self.localizers[-1]

    def until(self, condition: Callable[[], Any]) -> Any:
        return self._ros.until(condition)

    def started(self) -> Robot:
        """Active, and connected to all publishers of the tester."""
        self.node.start()
        topics = (self.camera_info, self.keypoints, self.initialpose, self.static_tf)
        self.until(lambda: all(p.get_subscription_count() for p in topics))
        self.until(lambda: self.node.count_subscribers("pose"))
        return self

    def ready(self) -> Robot:
        """Started, with map and camera."""
        self.started()
        self.map.publish(map_message(header(1, "map"), POINTS))
        self.camera_info.publish(camera_info())
        self.status(ready="true")
        return self

    def status(self, **expected: str) -> dict[str, str]:
        """The first diagnostics from now on whose values are as expected, by key."""
        self.statuses.clear()

        def matching() -> dict[str, str] | None:
            self.node._publish_diagnostics()  # rather than wait for the next second
            for status in self.statuses:
                values = {entry.key: entry.value for entry in status.values}
                values |= {"message": status.message, "level": str(status.level[0])}
                if all(values.get(key) == value for key, value in expected.items()):
                    return values
            return None

        found: dict[str, str] = self.until(matching)
        return found

    def see(self, cloud: PointCloud2 | None = None, stamp: int = 0) -> int:
        """Send keypoints until they are answered; gives their stamp."""
        self._stamp += SECOND // 10
        stamp = stamp or self._stamp
        cloud = cloud or keypoints()
        cloud.header = header(stamp, "camera")
        self.keypoints.publish(cloud)
        self.until(lambda: any(stamp_of(status) == stamp for status in self.statuses))
        return stamp

    def rejected(self, category: Category, cloud: PointCloud2 | None = None) -> str:
        """Send keypoints that must be rejected, without a pose and without TF; gives the reason."""
        self.statuses.clear()
        poses, tf = len(self.poses), len(self.tf)
        stamp = self.see(cloud)
        status = next(s for s in self.statuses if stamp_of(s) == stamp)
        values = {entry.key: entry.value for entry in status.values}
        assert values["category"] == category.value, values
        self._ros.spin(0.2)
        assert (len(self.poses), len(self.tf)) == (poses, tf)
        return values["reason"]


def stamp_of(status: DiagnosticStatus) -> int:
    values = {entry.key: entry.value for entry in status.values}
    seconds, nanoseconds = values["stamp"].split(".")
    return int(seconds) * SECOND + int(nanoseconds)


def camera_info(**changes: Any) -> CameraInfo:
    info = CameraInfo(width=640, height=480, k=[370.0, 0, 320, 0, 370, 240, 0, 0, 1])
    info.header.frame_id = "camera"
    for name, value in changes.items():
        setattr(info, name, value)
    return info


def keypoints(count: int = 40, **columns: np.ndarray) -> PointCloud2:
    u = RNG.uniform(0, 640, count).astype(np.float32)
    v = RNG.uniform(0, 480, count).astype(np.float32)
    return cloud_message(header(1, "camera"), columns or {"u": u, "v": v})


def shifted(x: float, y: float = 0, z: float = 0) -> np.ndarray:
    T = np.eye(4)
    T[:3, 3] = x, y, z
    return T


def edge(parent: str, child: str, T: np.ndarray, stamp: int = 0) -> TFMessage:
    return TFMessage(transforms=[transform_message(header(stamp, parent), child, T)])


# what it publishes


def test_with_map_and_camera_it_says_that_it_is_ready(ros: RosWorld) -> None:
    robot = Robot(ros).started()
    assert "no map" in robot.status(state="NO_MAP", ready="false")["message"]
    robot.map.publish(map_message(header(1, "map"), POINTS))
    assert "no CameraInfo" in robot.status(state="NO_CAMERA_INFO", ready="false")["message"]
    robot.camera_info.publish(camera_info())
    status = robot.status(state="LOST", ready="true")
    assert status["map_points"] == "50" and status["notes"] == "built from the cloud alone"
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
    assert status["proposer"] == "likelihood" and status["covariance"] == "uncalibrated"
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


# bad input


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


# maps


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


# frames


def test_base_hangs_below_the_map_by_the_extrinsics_of_tf(ros: RosWorld) -> None:
    robot = Robot(ros, tf_mode="base", base_frame="base").ready()
    assert "nobody publishes 'camera' or 'base'" in robot.rejected(Category.NO_TRANSFORM)
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


# initial pose, services, time


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


def call(robot: Robot, kind: Any, name: str, request: Any) -> Any:
    client = robot._tester.create_client(kind, name)
    robot.until(client.service_is_ready)
    future = client.call_async(request)
    robot.until(future.done)
    return future.result()


def test_relocalize_searches_anew_or_says_why_it_cannot(ros: RosWorld) -> None:
    robot = Robot(ros).started()
    response = call(robot, Trigger, "localization/relocalize", Trigger.Request())
    assert not response.success and "no map" in response.message
    robot.ready()
    robot.see()
    response = call(robot, Trigger, "localization/relocalize", Trigger.Request())
    assert response.success and "whole map" in response.message
    robot.until(lambda: robot.localizer.resets)


def test_a_disabled_node_ignores_keypoints_until_it_is_enabled(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    assert call(robot, SetBool, "localization/enable", SetBool.Request(data=False)).success
    robot.keypoints.publish(keypoints())
    robot.status(state="DISABLED", received="1")
    assert robot.localizer.asked == []
    assert call(robot, SetBool, "localization/enable", SetBool.Request(data=True)).success
    robot.see()
    robot.until(lambda: robot.poses)


def test_when_time_jumps_back_tracking_and_camera_are_forgotten(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    robot.see(stamp=100 * SECOND)
    robot._stamp = 50 * SECOND
    assert "no CameraInfo" in robot.rejected(Category.NO_CAMERA_INFO)
    assert robot.localizer.resets
    robot.camera_info.publish(camera_info())
    robot.until(lambda: robot.see() and len(robot.poses) > 1)


def test_frames_that_come_too_fast_are_dropped_and_counted(ros: RosWorld) -> None:
    robot = Robot(ros).ready()
    robot.localizer.gate.clear()
    for number in range(1, 6):
        cloud = keypoints()
        cloud.header = header((20 + number) * SECOND, "camera")
        robot.keypoints.publish(cloud)
        robot.status(received=str(number))
    robot.localizer.gate.set()
    assert robot.status(fixes="2")["dropped"] == "3"
    assert [stamp for _, stamp, _ in robot.localizer.asked] == [21, 25]


# lifecycle and parameters


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
