"""The fields of a keypoint cloud beside its positions, in whatever type, as cues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.keypoints.detector import Detections

if TYPE_CHECKING:
    from sensor_msgs.msg import PointCloud2, PointField

Cues = dict[str, NDArray[np.float32]]

SCALARS = ("size", "angle", "sign", "intensity", "label")
_TYPES = ("", "i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")  # by sensor_msgs/PointField's number
_RGB = ("rgb", "rgba")
_UNKNOWN = np.uint32(0x7FC00000)  # the bits of NaN; an opaque colour of PCL is a NaN of others


def read_cues(cloud: PointCloud2, row_step: int) -> Cues:
    """float32 columns (M,), `rgb` (M, 3) of 0 to 255; NaN for what is not known or cannot be.

    A cue never makes a keypoint unusable: a field of an unknown type, or one that is not inside
    its point, counts as absent. row_step: bytes from row to row of the cloud.
    """
    fields = {field.name: field for field in cloud.fields}
    cues: Cues = {}
    for name in SCALARS:
        column = _column(cloud, fields.get(name), row_step)
        if column is not None:
            cues[name] = _finite(column)
    if "size" in cues:
        cues["size"][~(cues["size"] > 0)] = np.nan
    packed = next((fields[name] for name in _RGB if name in fields), None)
    colours = _column(cloud, packed, row_step)
    if colours is not None:
        cues["rgb"] = _unpacked(colours)
    return cues


def columns_of(found: Detections) -> dict[str, NDArray[np.float32]]:
    """By the names that the fields of a keypoint message have, PCL's where PCL has one."""
    positions = {"u": found.pixels[:, 0], "v": found.pixels[:, 1], "score": found.score}
    cues = dict(found.cues)
    if "rgb" in cues:
        cues["rgb"] = packed_rgb(cues["rgb"])
    return {**positions, **cues}


def packed_rgb(rgb: NDArray[np.floating]) -> NDArray[np.float32]:
    """Colours (M, 3) of 0 to 255 -> PCL's `rgb` (M,), 0x00RRGGBB as the bits of a float32.

    NaN where a colour is not known.
    """
    known = np.isfinite(rgb).all(axis=1)
    red, green, blue = np.where(known[:, None], rgb, 0).clip(0, 255).round().astype(np.uint32).T
    packed = (red << 16 | green << 8 | blue).view(np.float32)
    return np.where(known, packed, np.float32(np.nan))


def _column(
    cloud: PointCloud2, field: PointField | None, row_step: int
) -> NDArray[np.generic] | None:
    if field is None or not 0 < field.datatype < len(_TYPES) or field.count > 1:
        return None
    dtype = np.dtype(_TYPES[field.datatype]).newbyteorder(">" if cloud.is_bigendian else "<")
    if field.offset + dtype.itemsize > cloud.point_step:
        return None
    if cloud.height * cloud.width == 0:
        return np.zeros(0, dtype.newbyteorder("="))
    shape, strides = (cloud.height, cloud.width), (row_step, cloud.point_step)
    view = np.ndarray(shape, dtype, cloud.data, field.offset, strides)
    return view.astype(dtype.newbyteorder("=")).reshape(-1)


def _finite(column: NDArray[np.generic]) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):
        values = column.astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    return values


def _unpacked(column: NDArray[np.generic]) -> NDArray[np.float32]:
    """Float32 and whole numbers of four bytes hold 0xAARRGGBB; any other type holds no colour."""
    if column.dtype.itemsize != 4:
        return np.full((len(column), 3), np.nan, np.float32)
    bits = column.view(np.uint32)
    rgb = np.stack([bits >> shift & 255 for shift in (16, 8, 0)], axis=1).astype(np.float32)
    if column.dtype.kind == "f":
        rgb[bits == _UNKNOWN] = np.nan
    return rgb
