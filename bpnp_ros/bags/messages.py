"""Arrays -> messages for a bag, without ROS. `nodes/messages.py` does the same with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.backends.rosbags import message
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.geometry.rotation import quaternion_from_matrix
from bpnp_ros.runtime.packing import Columns, pack

Array = NDArray[np.float64]

KEYPOINTS = MAP = "sensor_msgs/msg/PointCloud2"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
IMAGE, COMPRESSED_IMAGE = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
TF = "tf2_msgs/msg/TFMessage"
POSE = "geometry_msgs/msg/PoseStamped"
POSE_WITH_COVARIANCE = "geometry_msgs/msg/PoseWithCovarianceStamped"
ODOMETRY = "nav_msgs/msg/Odometry"
IMU = "sensor_msgs/msg/Imu"


def header(stamp_ns: int, frame_id: str) -> Any:
    seconds, rest = divmod(stamp_ns, 1_000_000_000)
    stamp = message("builtin_interfaces/msg/Time", sec=seconds, nanosec=rest)
    return message("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)


def cloud(header: Any, columns: Columns) -> Any:
    """A cloud of one row, a field for each column (N,)."""
    packed = pack(columns)
    return message(
        MAP,
        header=header,
        height=1,
        width=packed.width,
        fields=[message("sensor_msgs/msg/PointField", **field) for field in packed.fields],
        is_bigendian=False,
        point_step=packed.point_step,
        row_step=len(packed.data),
        data=np.frombuffer(packed.data, np.uint8),
        is_dense=packed.is_dense,
    )


def camera_info(header: Any, camera: Camera) -> Any:
    whole = {"x_offset": 0, "y_offset": 0, "width": 0, "height": 0, "do_rectify": False}
    return message(
        CAMERA_INFO,
        header=header,
        width=camera.width,
        height=camera.height,
        distortion_model=camera.distortion_model,
        d=np.array(camera.D, np.float64),
        k=camera.K.flatten(),
        r=np.eye(3).ravel(),
        p=np.hstack([camera.K, np.zeros((3, 1))]).ravel(),
        binning_x=0,
        binning_y=0,
        roi=message("sensor_msgs/msg/RegionOfInterest", **whole),
    )


def compressed_image(header: Any, data: bytes, kind: str) -> Any:
    """kind: jpeg or png, as the bytes are."""
    return message(COMPRESSED_IMAGE, header=header, format=kind, data=np.frombuffer(data, np.uint8))


def pose_stamped(header: Any, T: Array) -> Any:
    pose = message("geometry_msgs/msg/Pose", position=_point(T), orientation=_quaternion(T))
    return message(POSE, header=header, pose=pose)


def transforms(header: Any, child: str, T: Array) -> Any:
    """T_header_child (4, 4), alone in a TFMessage."""
    x, y, z = T[:3, 3].tolist()
    translation = message("geometry_msgs/msg/Vector3", x=x, y=y, z=z)
    transform = message(
        "geometry_msgs/msg/Transform", translation=translation, rotation=_quaternion(T)
    )
    edge = message(
        "geometry_msgs/msg/TransformStamped",
        header=header,
        child_frame_id=child,
        transform=transform,
    )
    return message(TF, transforms=[edge])


def _point(T: Array) -> Any:
    x, y, z = T[:3, 3].tolist()
    return message("geometry_msgs/msg/Point", x=x, y=y, z=z)


def _quaternion(T: Array) -> Any:
    rotation = np.ascontiguousarray(T[:3, :3], np.float64)
    x, y, z, w = quaternion_from_matrix(torch.from_numpy(rotation)).tolist()
    return message("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w)
