"""The demo's end of the wire: it sends what a robot would send, and hears what the node answers."""

from __future__ import annotations

import array
import time

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, CompressedImage, PointCloud2
from tf2_msgs.msg import TFMessage

from bpnp_ros.geometry.camera import Camera
from bpnp_ros.live.node_link import PATIENCE, FoundPose, NodeLink
from bpnp_ros.nodes.messages import cloud_message, header, map_message
from bpnp_ros.nodes.qos import LATCHED, SENSOR
from bpnp_ros.runtime.conversions import nanoseconds, read_transform

MAP_FRAME, CAMERA_FRAME = "map", "camera_optical_frame"


class DemoLink(NodeLink):
    """Sends the demo's stream, and hears the poses on TF."""

    def __init__(self, camera: Camera) -> None:
        super().__init__("bpnp_demo")
        self._camera = camera
        self._map = self._node.create_publisher(PointCloud2, "point_map", LATCHED)
        self._camera_info = self._node.create_publisher(CameraInfo, "camera_info", SENSOR)
        self._keypoints = self._node.create_publisher(PointCloud2, "keypoints", SENSOR)
        self._image = self._node.create_publisher(CompressedImage, "image/compressed", SENSOR)
        self._node.create_subscription(TFMessage, "/tf", self._on_tf, PATIENCE)

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

    @property
    def images_are_heard(self) -> bool:
        """Whether a keypoint detector listens."""
        return bool(self._image.get_subscription_count())

    def send_image(self, stamp_ns: int, data: bytes) -> None:
        """data: a JPEG file."""
        top = header(stamp_ns, CAMERA_FRAME)
        self._image.publish(CompressedImage(header=top, format="jpeg", data=array.array("B", data)))

    def _on_tf(self, message: TFMessage) -> None:
        arrived = time.monotonic()
        for edge in message.transforms:
            if (edge.header.frame_id, edge.child_frame_id) == (MAP_FRAME, CAMERA_FRAME):
                T = read_transform(edge.transform)
                self.poses.append(FoundPose(nanoseconds(edge.header.stamp), T, arrived))
