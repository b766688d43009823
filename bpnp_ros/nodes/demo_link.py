"""The demo's end of the wire: it sends what a robot would send, and hears what the node answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, PointCloud2
from tf2_msgs.msg import TFMessage

from bpnp_ros.evaluation.demo_score import FrameReport
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.nodes.conversions import nanoseconds, read_transform
from bpnp_ros.nodes.messages import cloud_message, header, map_message
from bpnp_ros.nodes.qos import LATCHED, SENSOR

MAP_FRAME, CAMERA_FRAME = "map", "camera_optical_frame"
PATIENCE = 100  # messages that may wait while the demo is busy


@dataclass(frozen=True, eq=False)
class FoundPose:
    """A pose from TF: its stamp, T_map_camera (4, 4), and when it came (time.monotonic)."""

    stamp_ns: int
    T_map_camera: NDArray[np.float64]
    arrived: float


class DemoLink:
    """status: the node's last diagnostics by key, empty before the first.

    Nothing runs in the background: `spin` lets messages in, on the caller's thread.
    """

    def __init__(self, camera: Camera) -> None:
        self.status: dict[str, str] = {}
        self.message = ""
        self.poses: list[FoundPose] = []
        self.reports: dict[int, FrameReport] = {}
        self._camera = camera
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node("bpnp_demo")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._map = self._node.create_publisher(PointCloud2, "map", LATCHED)
        self._camera_info = self._node.create_publisher(CameraInfo, "camera_info", SENSOR)
        self._keypoints = self._node.create_publisher(PointCloud2, "keypoints", SENSOR)
        self._node.create_subscription(TFMessage, "/tf", self._on_tf, PATIENCE)
        self._node.create_subscription(
            DiagnosticArray, "diagnostics", self._on_diagnostics, PATIENCE
        )

    def send_map(self, points: NDArray[np.float64]) -> None:
        """Points (N, 3), latched: once is enough."""
        self._map.publish(map_message(header(time.time_ns(), MAP_FRAME), points))

    def send_camera_info(self, stamp_ns: int) -> None:
        camera = self._camera
        info = CameraInfo(header=header(stamp_ns, CAMERA_FRAME))
        info.width, info.height = camera.width, camera.height
        info.distortion_model = camera.distortion_model
        info.d, info.k = list(camera.D), camera.K.ravel()
        info.p = np.hstack([camera.K, np.zeros((3, 1))]).ravel()
        self._camera_info.publish(info)

    def send_keypoints(self, stamp_ns: int, keypoints: NDArray[np.float32]) -> None:
        """Keypoints (M, 3): u, v in pixels, and score."""
        columns = dict(zip(("u", "v", "score"), keypoints.T, strict=True))
        self._keypoints.publish(cloud_message(header(stamp_ns, CAMERA_FRAME), columns))

    def spin(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Let messages in for so long, or until the condition holds; whether it does."""
        deadline = time.monotonic() + seconds
        while not until():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._executor.spin_once(timeout_sec=min(left, 0.1))
        return True

    def close(self) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown()

    def _on_tf(self, message: TFMessage) -> None:
        arrived = time.monotonic()
        for edge in message.transforms:
            if (edge.header.frame_id, edge.child_frame_id) == (MAP_FRAME, CAMERA_FRAME):
                T = read_transform(edge.transform)
                self.poses.append(FoundPose(nanoseconds(edge.header.stamp), T, arrived))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.hardware_id != "bpnp_ros":
                continue
            self.status = {entry.key: entry.value for entry in status.values}
            self.message = status.message
            report = _frame_report(self.status)
            if report.stamp_ns:
                self.reports[report.stamp_ns] = report


def _frame_report(status: dict[str, str]) -> FrameReport:
    """What the diagnostics say of the keypoints answered last."""
    seconds, _, fraction = status.get("stamp", "0").partition(".")
    category = status.get("category", "")
    return FrameReport(
        stamp_ns=int(seconds) * 10**9 + int(fraction or 0),
        state=status["state"],
        proposer="" if category else status.get("proposer", ""),
        category=category,
        inliers=0 if category else int(status.get("inliers", 0)),
        seconds=float(status.get("latency_ms", 0.0)) / 1e3,
    )
