"""A stand-in for the localization node that recognises the demo's messages: it knows the answers.

python oracle_node.py BEHAVIOUR DURATION KIDNAPS; it is right, or dies after some messages.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.executors import ExternalShutdownException
from sensor_msgs.msg import CameraInfo, PointCloud2
from tf2_msgs.msg import TFMessage

from bpnp_ros.demo.stream import make_stream
from bpnp_ros.live.node_link import STATUS
from bpnp_ros.nodes.messages import header, transform_message
from bpnp_ros.nodes.qos import LATCHED, SENSOR
from bpnp_ros.runtime.conversions import nanoseconds

BEHAVIOUR, DURATION, KIDNAPS = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
MESSAGES_BEFORE_DEATH = 5


class Oracle:
    def __init__(self) -> None:
        stream = make_stream(0, DURATION, 10.0, KIDNAPS)
        self._poses = stream.path.T_map_camera
        self._frames = {k.tobytes(): frame for frame, k in enumerate(stream.keypoints)}
        self._heard: set[str] = set()
        self.node = rclpy.create_node("oracle")
        self._tf = self.node.create_publisher(TFMessage, "/tf", 100)
        self._diagnostics = self.node.create_publisher(DiagnosticArray, "/diagnostics", 100)
        listen = self.node.create_subscription
        listen(PointCloud2, "point_map", lambda _: self._hear("map"), LATCHED)
        listen(CameraInfo, "camera_info", lambda _: self._hear("camera"), SENSOR)
        listen(PointCloud2, "keypoints", self._answer, SENSOR)

    def _hear(self, what: str) -> None:
        self._heard.add(what)
        self._report(state="LOST", ready=str(self._heard == {"map", "camera"}).lower())

    def _answer(self, message: PointCloud2) -> None:
        frame = self._frames[bytes(message.data)]
        if BEHAVIOUR == "dies" and frame == MESSAGES_BEFORE_DEATH:
            sys.exit("the oracle has spoken its last words")
        stamp, camera = message.header.stamp, message.header.frame_id
        edge = transform_message(header(nanoseconds(stamp), "map"), camera, self._poses[frame])
        self._tf.publish(TFMessage(transforms=[edge]))
        self._report(
            state="TRACKING",
            ready="true",
            stamp=f"{stamp.sec}.{stamp.nanosec:09d}",
            category="",
            proposer="tracker" if frame % 10 else "bpnpnet_map",
            inliers="40",
            latency_ms="1.0",
        )

    def _report(self, **values: Any) -> None:
        status = DiagnosticStatus(name=STATUS, message=values["state"])
        status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
        self._diagnostics.publish(DiagnosticArray(status=[status]))


rclpy.init()
with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
    rclpy.spin(Oracle().node)
