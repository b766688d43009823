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

Array = NDArray[np.float64]

_DATATYPES = {"f4": PointField.FLOAT32, "f8": PointField.FLOAT64}
_FINEST_MAP = 1e-4  # metres


def time_message(nanoseconds: int) -> Time:
    return Time(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)


def header(nanoseconds: int, frame_id: str) -> Header:
    return Header(stamp=time_message(nanoseconds), frame_id=frame_id)


def cloud_message(header: Header, columns: Mapping[str, NDArray[np.floating]]) -> PointCloud2:
    """A cloud of one row, a field for each column (N,); float32, or float64 where the column is."""
    formats = {name: "f8" if c.dtype.itemsize == 8 else "f4" for name, c in columns.items()}
    points = np.empty(len(next(iter(columns.values()))), list(formats.items()))
    for name, column in columns.items():
        points[name] = column
    ends = np.cumsum([int(code[1]) for code in formats.values()])
    fields = [
        PointField(name=name, offset=int(end) - int(code[1]), datatype=_DATATYPES[code], count=1)
        for (name, code), end in zip(formats.items(), ends, strict=True)
    ]
    return PointCloud2(
        header=header,
        height=1,
        width=len(points),
        fields=fields,
        point_step=points.itemsize,
        row_step=points.nbytes,
        data=array.array("B", points.tobytes()),  # a list or bytes would be 30 times slower
        is_dense=all(bool(np.isfinite(column).all()) for column in columns.values()),
    )


def map_message(header: Header, points: Array) -> PointCloud2:
    """Map points (N, 3): float32, which RViz needs, unless far coordinates would lose 0.1 mm."""
    coarsest = np.spacing(np.abs(points).max(initial=0.0).astype(np.float32))
    kept = points.astype(np.float32) if coarsest <= _FINEST_MAP else points
    return cloud_message(header, dict(zip("xyz", kept.T, strict=True)))


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
