"""The keypoint detector: images become keypoints, under the header of the image."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image, PointCloud2

from bpnp_ros.configuration.parameters import DetectorConfig
from bpnp_ros.errors import BpnpError
from bpnp_ros.keypoints.detector import detect_keypoints
from bpnp_ros.nodes.messages import cloud_message
from bpnp_ros.nodes.parameters import Parameters
from bpnp_ros.nodes.qos import NEWEST_IMAGE, SENSOR, subscribe
from bpnp_ros.runtime.conversions import read_image
from bpnp_ros.runtime.keypoint_fields import columns_of


class KeypointDetector(Node):
    """Subscribes `image` and `image/compressed`; publishes `keypoints` (u, v, score float32)."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__("keypoint_detector", **arguments)
        self._configuration = Parameters(self, (DetectorConfig,))
        self._configuration.fix_while(lambda: "the detector is running; restart the node with it.")
        self._keypoints = self.create_publisher(PointCloud2, "keypoints", SENSOR)

    def start(self) -> None:
        """Raises ConfigError."""
        self._config = self._configuration.read(DetectorConfig)
        subscribe(self, Image, "image", self._detect, NEWEST_IMAGE)
        beside = f"{self.resolve_topic_name('image')}/compressed"  # as image_transport names it
        for topic in {beside, self.resolve_topic_name("image/compressed")}:
            subscribe(self, CompressedImage, topic, self._detect, NEWEST_IMAGE)

    def close(self) -> None:
        """Nothing goes on beside the executor."""

    def _detect(self, image: Image | CompressedImage) -> None:
        try:
            found = detect_keypoints(read_image(image), self._config)
        except BpnpError as error:
            self.get_logger().error(str(error), throttle_duration_sec=5.0)
            return
        self._keypoints.publish(cloud_message(image.header, columns_of(found)))
