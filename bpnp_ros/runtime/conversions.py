"""Messages -> arrays. Only attributes are read, so messages out of a bag reader will do as well.

`messages.py` is the way back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.errors import BpnpError, CameraError, ConfigError, KeypointError, MapError
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.geometry.rotation import matrix_from_quaternion
from bpnp_ros.keypoints.image import Image, decode_compressed, decode_image
from bpnp_ros.point_map.formats.cloud import Cloud
from bpnp_ros.runtime.keypoint_fields import fields_of, read_cues

if TYPE_CHECKING:
    from builtin_interfaces.msg import Time
    from geometry_msgs.msg import Point, Pose, PoseWithCovariance, Quaternion, Transform, Vector3
    from sensor_msgs.msg import CameraInfo, CompressedImage, PointCloud2, PointField
    from sensor_msgs.msg import Image as ImageMessage
    from std_msgs.msg import Header

Array = NDArray[np.float64]

_DATATYPES = ("", "int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")
_REALS = {7: "f4", 8: "f8"}
LONGEST_FRAME = 100  # characters of its name


def nanoseconds(stamp: Time) -> int:
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def frame_of(header: Header) -> str:
    """The frame that a header names."""
    return frame_name(header.frame_id)


def frame_name(stated: str) -> str:
    """Without the slash that ROS 1 put before it, and of a length that a log can bear."""
    name = str(stated).lstrip("/")
    return name if len(name) <= LONGEST_FRAME else f"{name[: LONGEST_FRAME - 3]}..."


def read_columns(
    cloud: PointCloud2, names: Iterable[str], error: type[BpnpError] = KeypointError
) -> Array:
    """Fields of a cloud as columns (width * height, len(names)) float64, row by row.

    Raises `error` for a field that is missing, of a type other than float32 or float64, or outside
    its point, and for a size that is not what the header says.
    """
    fields = {field.name: field for field in cloud.fields}
    row_step = _checked_row_step(cloud, error)
    columns = []
    for name in names:
        if name not in fields:
            present = ", ".join(fields) or "none"
            raise error(f"field '{name}' is missing from the cloud; its fields are {present}.")
        dtype = _checked_dtype(fields[name], cloud, error)
        offset, strides = fields[name].offset, (row_step, cloud.point_step)
        shape = (cloud.height, cloud.width)
        if cloud.height * cloud.width == 0:
            shape, offset, strides = (0, 0), 0, (0, 0)
        view = np.ndarray(shape, dtype, cloud.data, offset, strides)
        with np.errstate(invalid="ignore"):  # signalling NaN
            columns.append(view.astype(np.float64).reshape(-1))
    return np.stack(columns, axis=1)


def _checked_row_step(cloud: PointCloud2, error: type[BpnpError]) -> int:
    """Bytes from row to row; what row_step says is no matter where the data have no gaps."""
    row = cloud.width * cloud.point_step
    if len(cloud.data) == row * cloud.height:
        return row
    row_step = int(cloud.row_step) or row if cloud.height <= 1 else int(cloud.row_step)
    if row_step < row:
        raise error(
            f"row_step is {row_step} bytes, too little for {cloud.width} points of point_step "
            f"{cloud.point_step}."
        )
    if len(cloud.data) != row_step * cloud.height:
        raise error(
            f"data holds {len(cloud.data)} bytes; width {cloud.width}, height {cloud.height}, "
            f"point_step {cloud.point_step} and row_step {cloud.row_step} say "
            f"{row_step * cloud.height}."
        )
    return row_step


def _checked_dtype(field: PointField, cloud: PointCloud2, error: type[BpnpError]) -> np.dtype:
    if field.datatype not in _REALS or field.count > 1:
        known = 0 < field.datatype < len(_DATATYPES)
        found = _DATATYPES[field.datatype] if known else f"of unknown datatype {field.datatype}"
        many = f" x {field.count}" if field.count > 1 else ""
        raise error(f"field '{field.name}' is {found}{many}; publish it as one float32.")
    dtype = np.dtype(_REALS[field.datatype]).newbyteorder(">" if cloud.is_bigendian else "<")
    if field.offset + dtype.itemsize > cloud.point_step:
        raise error(
            f"field '{field.name}' ends at byte {field.offset + dtype.itemsize} of points of "
            f"point_step {cloud.point_step}; correct its offset or point_step."
        )
    return dtype


def read_keypoints(cloud: PointCloud2) -> tuple[Array, Array | None]:
    """Pixels `u`, `v` (M, 2) or else bearings `x`, `y`, `z` (M, 3); and `score` (M,) if given."""
    present = {field.name for field in cloud.fields}
    position = ("x", "y", "z") if {"x", "y", "z"} <= present and "u" not in present else ("u", "v")
    if "score" not in present:
        return read_columns(cloud, position), None
    columns = read_columns(cloud, (*position, "score"))
    return columns[:, :-1], columns[:, -1]


def read_keypoint_cues(cloud: PointCloud2) -> dict[str, NDArray[np.float32]]:
    """What the cloud says of its keypoints beside positions and score; see `read_cues`."""
    return read_cues(cloud, _checked_row_step(cloud, KeypointError))


def read_map_points(cloud: PointCloud2) -> Array:
    """Map points (N, 3) float64, as they are, NaN included. Raises MapError."""
    return read_columns(cloud, ("x", "y", "z"), MapError)


def read_map(cloud: PointCloud2) -> Cloud:
    """Map points, their detectability and cues as a file's are. Raises MapError for the points
    alone: a field beside them that cannot be read counts as absent."""
    points, row_step = read_map_points(cloud), _checked_row_step(cloud, MapError)
    return Cloud.from_columns(
        {**fields_of(cloud, row_step), **dict(zip("xyz", points.T, strict=True))}
    )


def read_image(image: ImageMessage | CompressedImage) -> Image:
    """Grey and colours. Raises KeypointError for one that is unknown, cut off or damaged."""
    if not hasattr(image, "encoding"):
        return decode_compressed(image.data)
    big_endian = bool(image.is_bigendian)
    size = (image.width, image.height, image.step)
    return decode_image(image.data, *size, image.encoding, big_endian)


def read_camera(info: CameraInfo, rectified: bool = False) -> Camera:
    """The camera of the image that the keypoints come from, after binning and region of interest.

    rectified: keypoints of the rectified image, so P and no distortion instead of K and D. The
    baseline in P's fourth column is not used. Raises CameraError.
    """
    K = np.array(info.p, np.float64).reshape(3, 4)[:, :3] if rectified else np.array(info.k)
    name = "P" if rectified else "K"
    if not np.any(K):
        raise CameraError(
            f"{name} is zero; calibrate the camera, or the driver does not publish it."
        )
    binning = np.maximum((info.binning_x, info.binning_y), 1)
    offset, size = _region_of_interest(info)
    K = K.reshape(3, 3).astype(np.float64)
    K[:2, 2] -= offset
    K[:2] /= binning[:, None]
    width, height = (int(pixels) for pixels in size // binning)
    if rectified:
        return Camera(K, width, height)
    D = tuple(float(coefficient) for coefficient in info.d)
    return Camera(K, width, height, info.distortion_model or "plumb_bob", D)


def _region_of_interest(info: CameraInfo) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Offset and size in pixels of the full resolution; all zero means the whole image."""
    roi, full = info.roi, np.array((info.width, info.height), np.int64)
    offset = np.array((roi.x_offset, roi.y_offset), np.int64)
    size = np.array((roi.width, roi.height), np.int64)
    if not size.any() and not offset.any():
        return offset, full
    if (size == 0).any() or (offset + size > full).any():
        raise CameraError(
            f"the region of interest, {size[0]} x {size[1]} at ({offset[0]}, {offset[1]}), "
            f"is not inside the image of {full[0]} x {full[1]}."
        )
    return offset, size


def read_transform(transform: Transform) -> Array:
    """(4, 4) float64. Raises ConfigError for what is no rigid transform."""
    return _rigid(transform.translation, transform.rotation)


def read_pose(stated: PoseWithCovariance) -> tuple[Array, Array]:
    """Pose (4, 4) and covariance (6, 6) of (x, y, z, rx, ry, rz). Raises ConfigError."""
    covariance = np.array(stated.covariance, np.float64).reshape(6, 6)
    if not np.isfinite(covariance).all() or (np.diag(covariance) < 0).any():
        raise ConfigError("the covariance is not finite, or has a negative variance.")
    return read_bare_pose(stated.pose), covariance


def read_bare_pose(pose: Pose) -> Array:
    """(4, 4) float64. Raises ConfigError for what is no rigid transform."""
    return _rigid(pose.position, pose.orientation)


def _rigid(position: Point | Vector3, orientation: Quaternion) -> Array:
    t = np.array((position.x, position.y, position.z))
    q = np.array((orientation.x, orientation.y, orientation.z, orientation.w))
    if not (np.isfinite(t).all() and np.isfinite(q).all()):
        raise ConfigError("the position or the orientation is not finite.")
    if abs(math.hypot(*q) - 1) > 0.01:
        raise ConfigError(
            f"the orientation ({q[0]}, {q[1]}, {q[2]}, {q[3]}) is no unit quaternion."
        )
    T = np.eye(4)
    T[:3, :3] = matrix_from_quaternion(torch.from_numpy(q)).numpy()
    T[:3, 3] = t
    return T
