"""A bag of the demo's stream: something to replay for those who have no bag yet."""

from __future__ import annotations

import numpy as np

from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags.camera_bag import START, CameraBag
from bpnp_ros.demo.stream import DemoStream


def write_demo(bag: Writer, stream: DemoStream) -> None:
    """Map, CameraInfo, keypoints or images, and true poses."""
    camera_bag = CameraBag(bag, stream.map_points, photographs=bool(stream.images))
    stamps = START + np.round(stream.path.stamps * 1e9).astype(np.int64)
    for frame, (stamp, T) in enumerate(zip(stamps.tolist(), stream.path.T_map_camera, strict=True)):
        if stream.images:
            camera_bag.add(stamp, stream.camera, None, T)
            camera_bag.add_photograph(stamp, stream.images[frame], "jpeg")
        else:
            u, v, score = stream.keypoints[frame].T
            camera_bag.add(stamp, stream.camera, {"u": u, "v": v, "score": score}, T)
