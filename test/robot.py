"""A robot for tests: a localization node, and all that sends it messages and listens to it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, PointCloud2
from tf2_msgs.msg import TFMessage

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.nodes.localization_node import LocalizationNode
from bpnp_ros.nodes.messages import (
    cloud_message,
    header,
    map_message,
    transform_message,
)
from bpnp_ros.nodes.qos import LATCHED, SENSOR
from bpnp_ros.point_map.point_map import PointMap

if TYPE_CHECKING:
    from conftest import RosWorld

SECOND = 1_000_000_000
RNG = np.random.default_rng(0)
POINTS = RNG.uniform(-5, 5, (50, 3))
T_MAP_CAMERA = np.array([[0.0, 0, 1, 3], [-1, 0, 0, 4], [0, -1, 0, 1.5], [0, 0, 0, 1]])
COVARIANCE = np.diag([1e-4, 2e-4, 3e-4, 1e-5, 2e-5, 3e-5])
NOT_VERIFIED = Rejection(Category.NOT_VERIFIED, "chance explains as much")


def fix_at(T_map_camera: np.ndarray = T_MAP_CAMERA) -> Fix:
    pairs = np.arange(20)
    timings = {"propose": 0.01, "refine": 0.02}
    return Fix(T_map_camera, COVARIANCE, pairs, pairs, 0.8, "likelihood", 99.0, 0.0, timings)


class FakeLocalizer:
    """Waits at its gate, then answers what the test tells it to; prepares once for a camera."""

    def __init__(self, points: np.ndarray) -> None:
        space = SimpleNamespace(device=torch.device("cpu"))
        self.map_model = SimpleNamespace(point_map=PointMap.recentred(points), view_space=space)
        self.state, self.notes, self.resets = "LOST", list[str](), 0
        self.checks = SimpleNamespace(values={})
        self.assumed, self.config = "level", LocalizerConfig()
        self.proposers = ["likelihood_search", "bpnpnet"]
        self.asked: list[tuple[Any, float, Any]] = []
        self.answer: Callable[[], Fix | Rejection] = fix_at
        self.gate = threading.Event()
        self.gate.set()
        self.prepared: Any = None

    def prepare(self, frustum: Any, progress: Any = None) -> None:
        if frustum != self.prepared:
            self.gate.wait(20)
            self.prepared = frustum

    def localize(
        self, keypoints: Any, stamp: float, prior: Any = None, odometry: Any = None
    ) -> Fix | Rejection:
        self.asked.append((keypoints, stamp, prior))
        self.gate.wait(20)
        answer = self.answer()
        self.state = "TRACKING" if isinstance(answer, Fix) else "LOST"
        return answer

    def look_around(self) -> None:
        pass

    def reset(self) -> None:
        self.resets += 1
        self.state = "LOST"

    def memory_estimate(self) -> int:
        return 2**30


class Robot:
    """Has a localization node; sends it what a robot does, and keeps what it sends."""

    def __init__(
        self, ros: RosWorld, engine: Any = None, namespace: str = "", **parameters: Any
    ) -> None:
        self._ros, self.tester = ros, ros.node()
        engine = engine or self
        self.config, self.bundle = LocalizerConfig(), None  # as an Engine
        self.localizers: list[FakeLocalizer] = []
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        named = {"namespace": namespace, "parameter_overrides": overrides}
        self.node: Any = ros.add(LocalizationNode(lambda *_: engine, **named))
        self._stamp = 10 * SECOND
        self._make_publishers()
        self.poses: list[PoseWithCovarianceStamped] = []
        self.tf: list[Any] = []
        self.statuses: list[DiagnosticStatus] = []
        self.hear(PoseWithCovarianceStamped, "pose", self.poses.append)
        self.hear(TFMessage, "/tf", lambda m: self.tf.extend(m.transforms))
        self.hear(DiagnosticArray, "/diagnostics", lambda m: self.statuses.extend(m.status))

    def hear(self, kind: type, topic: str, callback: Callable[[Any], Any]) -> None:
        self.tester.create_subscription(kind, topic, callback, 100)

    def _make_publishers(self) -> None:
        publisher = self.tester.create_publisher
        static = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.map = publisher(PointCloud2, "point_map", LATCHED)
        self.camera_info = publisher(CameraInfo, "camera_info", SENSOR)
        self.keypoints = publisher(PointCloud2, "keypoints", SENSOR)
        self.initialpose = publisher(PoseWithCovarianceStamped, "initialpose", 1)
        self.static_tf = publisher(TFMessage, "/tf_static", static)
        self.moving_tf = publisher(TFMessage, "/tf", 100)

    def build(self, source: PointMap) -> Any:
        """As `Engine.build`."""
        self.localizers.append(FakeLocalizer(source.in_map_frame))
        return self.localizers[-1]

    @property
    def localizer(self) -> FakeLocalizer:
        return self.localizers[-1]

    def call(self, kind: Any, service: str, **request: Any) -> Any:
        """The answer of a service of the node."""
        client = self.tester.create_client(kind, f"localization/{service}")
        self.until(client.service_is_ready)
        future = client.call_async(kind.Request(**request))
        self.until(future.done)
        return future.result()

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
