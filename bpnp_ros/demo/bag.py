"""A bag of the demo's stream: something to replay for those who have no bag yet."""

from __future__ import annotations

import numpy as np

from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags.camera_bag import START, CameraBag
from bpnp_ros.demo.stream import CAMERA, DemoStream


def write_demo(bag: Writer, stream: DemoStream) -> None:
    """Map, CameraInfo, keypoints and true poses."""
    camera_bag = CameraBag(bag, stream.map_points)
    stamps = START + np.round(stream.path.stamps * 1e9).astype(np.int64)
    for stamp, T, keypoints in zip(
        stamps.tolist(), stream.path.T_map_camera, stream.keypoints, strict=True
    ):
        columns = dict(zip(("u", "v", "score"), keypoints.T, strict=True))
        camera_bag.add(stamp, CAMERA, columns, T)
