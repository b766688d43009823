"""The layout of every bag made here.

Topics: /point_map (latched), /camera/camera_info, /camera/keypoints, where there are photographs
/camera/image_raw/compressed, and /reference/camera_pose (of the camera in the map).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags import messages
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.runtime.packing import Columns, map_columns

START = 1_600_000_000_000_000_000  # nanoseconds
MAP_FRAME, CAMERA_FRAME = "map", "camera_optical_frame"
MAP, CAMERA_INFO, KEYPOINTS = "/point_map", "/camera/camera_info", "/camera/keypoints"
PHOTOGRAPH, POSE = "/camera/image_raw/compressed", "/reference/camera_pose"
KINDS = {
    MAP: messages.MAP,
    CAMERA_INFO: messages.CAMERA_INFO,
    KEYPOINTS: messages.KEYPOINTS,
    PHOTOGRAPH: messages.COMPRESSED_IMAGE,
    POSE: messages.POSE,
}


class CameraBag:
    """Writes a map (N, 3) with its cues at the start, and then what a camera saw."""

    def __init__(
        self,
        bag: Writer,
        map_points: NDArray[np.float64],
        photographs: bool = False,
        cues: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        self._bag = bag
        for topic, kind in KINDS.items():
            if photographs or topic != PHOTOGRAPH:
                bag.add_topic(topic, kind, latched=topic == MAP)
        top = messages.header(START, MAP_FRAME)
        bag.write(MAP, START, messages.cloud(top, map_columns(map_points, cues)))

    def add(
        self,
        stamp: int,
        camera: Camera,
        keypoints: Columns | None,
        T_map_camera: NDArray[np.float64],
    ) -> None:
        """Calibration, keypoints (u, v, score in pixels) if there are any, and the true pose (4, 4)
        of one image."""
        top, in_map = messages.header(stamp, CAMERA_FRAME), messages.header(stamp, MAP_FRAME)
        self._bag.write(CAMERA_INFO, stamp, messages.camera_info(top, camera))
        if keypoints is not None:
            self._bag.write(KEYPOINTS, stamp, messages.cloud(top, keypoints))
        self._bag.write(POSE, stamp, messages.pose_stamped(in_map, T_map_camera))

    def add_photograph(self, stamp: int, data: bytes, kind: str) -> None:
        """kind: jpeg or png, as the bytes are."""
        top = messages.header(stamp, CAMERA_FRAME)
        self._bag.write(PHOTOGRAPH, stamp, messages.compressed_image(top, data, kind))
