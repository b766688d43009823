"""Cameras of a robot in the demo's world, one a namespace: two_cameras.py FRONT REAR.

Sends to each node what its camera sees until /tf holds the base of every one, where it should be.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Any

import numpy as np
import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, PointCloud2
from tf2_msgs.msg import TFMessage

from bpnp_ros.demo.stream import CAMERA, make_stream
from bpnp_ros.nodes.messages import cloud_message, header, transform_message
from bpnp_ros.nodes.qos import SENSOR
from bpnp_ros.runtime.conversions import nanoseconds, read_transform

PATIENCE = 60.0  # seconds
NEAR = 0.25  # metres
T_BASE_CAMERA = np.array([[1.0, 0, 0, 0.1], [0, 1, 0, 0], [0, 0, 1, 0.5], [0, 0, 0, 1]])


def main(names: list[str]) -> int:
    stream = make_stream(0, 4.0, 10.0, 0)
    truth: dict[int, Any] = {}
    found: dict[str, float] = {}
    rclpy.init()
    node = rclpy.create_node("two_cameras")
    node.create_subscription(TFMessage, "/tf", partial(hear, truth, found), 100)
    latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    edges = [transform_message(header(0, f"{n}_base"), f"{n}_camera", T_BASE_CAMERA) for n in names]
    static = node.create_publisher(TFMessage, "/tf_static", latched)
    static.publish(TFMessage(transforms=edges))
    send = {
        name: (
            node.create_publisher(CameraInfo, f"/{name}/camera_info", SENSOR),
            node.create_publisher(PointCloud2, f"/{name}/keypoints", SENSOR),
        )
        for name in names
    }
    deadline, frame = time.monotonic() + PATIENCE, 0
    while time.monotonic() < deadline and {f"{name}_base" for name in names} - found.keys():
        stamp, T = time.time_ns(), stream.path.T_map_camera[frame]
        truth[stamp] = T @ np.linalg.inv(T_BASE_CAMERA)
        columns = dict(zip(("u", "v", "score"), stream.keypoints[frame].T, strict=True))
        for name, (info, keypoints) in send.items():
            top = header(stamp, f"{name}_camera")
            size = {"width": CAMERA.width, "height": CAMERA.height}
            info.publish(CameraInfo(header=top, k=CAMERA.K.ravel(), **size))
            keypoints.publish(cloud_message(top, columns))
        until = time.monotonic() + 0.1
        while time.monotonic() < until:
            rclpy.spin_once(node, timeout_sec=0.05)
        frame = (frame + 1) % len(stream)
    print(f"metres between found and true base: {found}", flush=True)
    return int(len(found) < len(names) or max(found.values()) > NEAR)


def hear(truth: dict[int, Any], found: dict[str, float], message: TFMessage) -> None:
    for edge in message.transforms:
        T = truth.get(nanoseconds(edge.header.stamp))
        if edge.header.frame_id == "map" and T is not None:
            off = np.linalg.norm(read_transform(edge.transform)[:3, 3] - T[:3, 3])
            found[edge.child_frame_id] = float(off)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
