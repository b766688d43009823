"""The replay's end of the wire: it sends messages as they were recorded, and hears the poses."""

from __future__ import annotations

import time

from geometry_msgs.msg import PoseWithCovarianceStamped
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from bpnp_ros.errors import ConfigError
from bpnp_ros.live.node_link import PATIENCE, FoundPose, NodeLink
from bpnp_ros.nodes.qos import LATCHED, SENSOR
from bpnp_ros.runtime.conversions import nanoseconds, read_pose

TOPICS = {
    "point_map": (PointCloud2, LATCHED),
    "camera_info": (CameraInfo, SENSOR),
    "keypoints": (PointCloud2, SENSOR),
    "image": (Image, SENSOR),
    "image/compressed": (CompressedImage, SENSOR),
}


class ReplayLink(NodeLink):
    """`send` takes CDR: what was recorded goes out bit by bit."""

    def __init__(self) -> None:
        super().__init__("bpnp_replay")
        self._publishers = {
            name: self._node.create_publisher(kind, name, qos)
            for name, (kind, qos) in TOPICS.items()
        }
        self._node.create_subscription(PoseWithCovarianceStamped, "pose", self._on_pose, PATIENCE)

    def send(self, name: str, raw: bytes) -> None:
        """On one of TOPICS."""
        self._publishers[name].publish(raw)

    def heard_by(self, name: str) -> int:
        """How many subscribe to one of TOPICS."""
        return int(self._publishers[name].get_subscription_count())

    def _on_pose(self, message: PoseWithCovarianceStamped) -> None:
        arrived = time.monotonic()
        try:
            T, _ = read_pose(message.pose)
        except ConfigError:
            return  # a report without its pose then tells
        self.poses.append(FoundPose(nanoseconds(message.header.stamp), T, arrived))
