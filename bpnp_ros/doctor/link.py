"""The doctor's end of the wire: it listens for some seconds, and asks who publishes what."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import GetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, PointCloud2

from bpnp_ros.doctor.graph import Endpoint, Graph, Input, NodeStatus
from bpnp_ros.nodes.qos import SENSOR
from bpnp_ros.nodes.tf import Transforms
from bpnp_ros.runtime.conversions import nanoseconds

STATUS = ": localization"  # how the names of our diagnostics end
KINDS: dict[str, type] = {
    "keypoints": PointCloud2,
    "camera_info": CameraInfo,
    "point_map": PointCloud2,
}
LISTENED = ("keypoints", "camera_info")  # a map may be large, and the node says what it made of it
PARAMETERS = ["tf_mode", "base_frame", "odom_frame", "map_frame"]
ANSWER_WITHIN = 2.0  # seconds


def look(seconds: float, topics: dict[str, str], node: str = "") -> Graph:
    """Listen to a ROS graph. topics: by role, where given. node: full name, where several run."""
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        return _Listener(topics, node).listen(seconds)
    finally:
        rclpy.shutdown()


class _Listener:
    def __init__(self, topics: dict[str, str], wanted: str) -> None:
        self._node = rclpy.create_node("bpnp_doctor")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._given, self._wanted = topics, wanted
        self._status: NodeStatus | None = None
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 100)
        self._transforms = Transforms(self._node)

    def listen(self, seconds: float) -> Graph:
        try:
            self._spin(min(1.5, seconds), lambda: self._status is not None)
            inputs = {role: self._input(role) for role in KINDS}
            for role in LISTENED:
                part = inputs[role]
                callback = partial(self._on_input, part)
                self._node.create_subscription(KINDS[role], part.topic, callback, SENSOR)
            self._spin(seconds, lambda: False)
            status = self._with_parameters(self._status)
            domain = os.environ.get("ROS_DOMAIN_ID", "0")
            return Graph(seconds, domain, inputs, status, self._lookup)
        finally:
            self._executor.shutdown()
            self._node.destroy_node()

    def _spin(self, seconds: float, done: Any) -> None:
        deadline = time.monotonic() + seconds
        while not done() and time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=0.1)

    def _lookup(self, target: str, source: str) -> Any:
        return self._transforms.lookup(target, source, 0)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            name = status.name.removesuffix(STATUS)
            if name != status.name and (not self._wanted or name == self._wanted):
                values = {entry.key: entry.value for entry in status.values}
                self._status = NodeStatus(name, status.message, values)

    def _on_input(self, part: Input, message: Any) -> None:
        part.count, part.last = part.count + 1, message
        now = self._node.get_clock().now().nanoseconds
        part.ages.append((now - nanoseconds(message.header.stamp)) / 1e9)

    def _input(self, role: str) -> Input:
        """The topic that the node subscribes for a role, else the one of that name."""
        topic, asks = self._subscribed(role)
        topic = self._given.get(role) or topic or self._node.resolve_topic_name(role)
        publishers = [_endpoint(p) for p in self._node.get_publishers_info_by_topic(topic)]
        kind = f"sensor_msgs/msg/{KINDS[role].__name__}"
        elsewhere = [
            name
            for name, kinds in self._node.get_topic_names_and_types()
            if kind in kinds and name != topic and self._node.count_publishers(name)
        ]
        return Input(role, topic, publishers, asks, elsewhere=elsewhere)

    def _subscribed(self, role: str) -> tuple[str, Endpoint | None]:
        """Maps and keypoints are of one type; the map's subscription alone is transient local."""
        if self._status is None:
            return "", None
        for topic, kinds in self._node.get_topic_names_and_types():
            if f"sensor_msgs/msg/{KINDS[role].__name__}" not in kinds:
                continue
            for info in self._node.get_subscriptions_info_by_topic(topic):
                ours, latched = _full_name(info) == self._status.name, _endpoint(info).latched
                if ours and latched == (role == "point_map"):
                    return topic, _endpoint(info)
        return "", None

    def _with_parameters(self, status: NodeStatus | None) -> NodeStatus | None:
        if status is None:
            return None
        client: Any = self._node.create_client(GetParameters, f"{status.name}/get_parameters")
        future = client.call_async(GetParameters.Request(names=PARAMETERS))
        self._spin(ANSWER_WITHIN, future.done)
        answer = future.result() if future.done() else None
        values = [value.string_value for value in answer.values] if answer else []
        known = dict(zip(PARAMETERS, values, strict=False))
        return NodeStatus(status.name, status.message, status.values, known)


def _full_name(info: Any) -> str:
    return f"{info.node_namespace.rstrip('/')}/{info.node_name}"


def _endpoint(info: Any) -> Endpoint:
    qos = info.qos_profile
    return Endpoint(
        _full_name(info),
        qos.reliability == ReliabilityPolicy.RELIABLE,
        qos.durability == DurabilityPolicy.TRANSIENT_LOCAL,
    )
