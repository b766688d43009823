"""The keypoint detector: images become keypoints, under the header of the image."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from bpnp_ros.configuration.parameters import DetectorConfig
from bpnp_ros.errors import BpnpError, CameraError
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.keypoints.detector import detect_keypoints
from bpnp_ros.nodes.messages import cloud_message
from bpnp_ros.nodes.parameters import Parameters
from bpnp_ros.nodes.qos import NEWEST_IMAGE, SENSOR, subscribe
from bpnp_ros.runtime.cameras import check_image_size
from bpnp_ros.runtime.conversions import frame_of, read_camera, read_image
from bpnp_ros.runtime.keypoint_fields import columns_of


class KeypointDetector(Node):
    """Subscribes `image` and `image/compressed`; publishes `keypoints` (u, v, score float32).

    An image of another size than the last `camera_info` of its frame has no keypoints.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__("keypoint_detector", **arguments)
        self._configuration = Parameters(self, (DetectorConfig,))
        self._configuration.fix_while(lambda: "the detector is running; restart the node with it.")
        self._cameras: dict[str, Camera] = {}
        self._keypoints = self.create_publisher(PointCloud2, "keypoints", SENSOR)

    def start(self) -> None:
        """Raises ConfigError."""
        self._config = self._configuration.read(DetectorConfig)
        subscribe(self, CameraInfo, "camera_info", self._take_camera, SENSOR)
        subscribe(self, Image, "image", self._detect, NEWEST_IMAGE)
        beside = f"{self.resolve_topic_name('image')}/compressed"  # as image_transport names it
        for topic in {beside, self.resolve_topic_name("image/compressed")}:
            subscribe(self, CompressedImage, topic, self._detect, NEWEST_IMAGE)

    def close(self) -> None:
        """Nothing goes on beside the executor."""

    def _take_camera(self, info: CameraInfo) -> None:
        with suppress(CameraError):  # the localization node says what is wrong with it
            self._cameras[frame_of(info.header)] = read_camera(info)

    def _detect(self, image: Image | CompressedImage) -> None:
        frame = frame_of(image.header)
        try:
            picture = read_image(image)
            if frame in self._cameras:
                check_image_size(self._cameras[frame], frame, picture.size)
            found = detect_keypoints(picture, self._config)
        except BpnpError as error:
            self.get_logger().error(str(error), throttle_duration_sec=5.0)
            return
        self._keypoints.publish(cloud_message(image.header, columns_of(found)))
