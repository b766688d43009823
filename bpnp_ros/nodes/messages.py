"""Arrays -> messages. `conversions.py` is the way back."""

from __future__ import annotations

import array
from collections.abc import Mapping

import numpy as np
import torch
from builtin_interfaces.msg import Time
from geometry_msgs.msg import (
    Point,
    Pose,
    PoseStamped,
    PoseWithCovarianceStamped,
    Quaternion,
    Transform,
    TransformStamped,
    Vector3,
)
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from bpnp_ros.geometry.rotation import quaternion_from_matrix
from bpnp_ros.runtime.packing import MapCues, map_columns, pack

Array = NDArray[np.float64]


def time_message(nanoseconds: int) -> Time:
    return Time(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)


def header(nanoseconds: int, frame_id: str) -> Header:
    return Header(stamp=time_message(nanoseconds), frame_id=frame_id)


def cloud_message(header: Header, columns: Mapping[str, NDArray[np.floating]]) -> PointCloud2:
    """A cloud of one row, a field for each column (N,); float32, or float64 where the column is."""
    packed = pack(columns)
    return PointCloud2(
        header=header,
        height=1,
        width=packed.width,
        fields=[PointField(**field) for field in packed.fields],
        point_step=packed.point_step,
        row_step=len(packed.data),
        data=array.array("B", packed.data),  # a list or bytes would be 30 times slower
        is_dense=packed.is_dense,
    )


def map_message(header: Header, points: Array, cues: MapCues | None = None) -> PointCloud2:
    """Map points (N, 3) and the cues of their `PointMap`."""
    return cloud_message(header, map_columns(points, cues))


def pose(T: Array) -> Pose:
    x, y, z = (float(value) for value in T[:3, 3])
    return Pose(position=Point(x=x, y=y, z=z), orientation=_quaternion(T))


def pose_message(header: Header, T: Array, covariance: Array) -> PoseWithCovarianceStamped:
    message = PoseWithCovarianceStamped(header=header)
    message.pose.pose = pose(T)
    message.pose.covariance = covariance.reshape(36)
    return message


def pose_stamped(header: Header, T: Array) -> PoseStamped:
    return PoseStamped(header=header, pose=pose(T))


def transform_message(header: Header, child: str, T: Array) -> TransformStamped:
    """T_header_child (4, 4) as the edge from header.frame_id to `child`."""
    x, y, z = (float(value) for value in T[:3, 3])
    transform = Transform(translation=Vector3(x=x, y=y, z=z), rotation=_quaternion(T))
    return TransformStamped(header=header, child_frame_id=child, transform=transform)


def _quaternion(T: Array) -> Quaternion:
    rotation = np.ascontiguousarray(T[:3, :3], np.float64)
    x, y, z, w = quaternion_from_matrix(torch.from_numpy(rotation)).tolist()
    return Quaternion(x=x, y=y, z=z, w=w)
