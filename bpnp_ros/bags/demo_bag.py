"""A bag of the demo's stream: something to replay for those who have no bag yet."""

from __future__ import annotations

import numpy as np

from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags import messages
from bpnp_ros.bags.scene_bag import FRAME, KINDS, MAP, START
from bpnp_ros.nodes.packing import map_columns
from bpnp_ros.tools.demo_stream import CAMERA, DemoStream


def write_demo(bag: Writer, stream: DemoStream) -> None:
    """Map, CameraInfo, keypoints and true poses, under the topics of every bag made here."""
    for topic, kind in KINDS.items():
        if kind != messages.COMPRESSED_IMAGE:
            bag.add_topic(topic, kind, latched=topic == "/map")
    top = messages.header(START, MAP)
    bag.write("/map", START, messages.cloud(top, map_columns(stream.map_points)))
    stamps = START + np.round(stream.path.stamps * 1e9).astype(np.int64)
    for stamp, T, keypoints in zip(
        stamps.tolist(), stream.path.T_map_camera, stream.keypoints, strict=True
    ):
        top = messages.header(stamp, FRAME)
        columns = dict(zip(("u", "v", "score"), keypoints.T, strict=True))
        pose = messages.pose_stamped(messages.header(stamp, MAP), T)
        bag.write("/camera/camera_info", stamp, messages.camera_info(top, CAMERA))
        bag.write("/camera/keypoints", stamp, messages.cloud(top, columns))
        bag.write("/reference/camera_pose", stamp, pose)
