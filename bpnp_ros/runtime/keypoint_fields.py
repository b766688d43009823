"""The fields of a cloud beside its positions, in whatever type, as cues: of keypoints, of maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.keypoints.detector import Detections
from bpnp_ros.point_map.formats import cues as standard
from bpnp_ros.point_map.formats.cues import packed_rgb

if TYPE_CHECKING:
    from sensor_msgs.msg import PointCloud2, PointField

Cues = dict[str, NDArray[np.float32]]

SCALARS = ("size", "angle", "sign", "intensity", "label")
_TYPES = ("", "i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")  # by sensor_msgs/PointField's number
_CHANNELS = ("red", "green", "blue")


def read_cues(cloud: PointCloud2, row_step: int) -> Cues:
    """float32 columns (M,), `rgb` (M, 3) of 0 to 255; NaN for what is not known or cannot be.

    A cue never makes a keypoint unusable: a field of an unknown type, or one that is not inside
    its point, counts as absent; a black colour is one that nobody knows, as in a map. row_step:
    bytes from row to row of the cloud.
    """
    columns = fields_of(cloud, row_step)
    cues: Cues = {name: _finite(columns[name]) for name in SCALARS if name in columns}
    if "size" in cues:
        cues["size"][~(cues["size"] > 0)] = np.nan
    colours = standard.read_cues(columns).get("rgb")
    if colours is not None:
        known = colours.any(axis=1, keepdims=True)
        cues["rgb"] = np.where(known, colours, np.nan).astype(np.float32)
    return cues


def columns_of(found: Detections) -> dict[str, NDArray[np.float32]]:
    """By the names that the fields of a keypoint message have, PCL's where PCL has one."""
    positions = {"u": found.pixels[:, 0], "v": found.pixels[:, 1], "score": found.score}
    cues = dict(found.cues)
    if "rgb" in cues:
        cues["rgb"] = packed_rgb(cues["rgb"])
    return {**positions, **cues}


def map_cue_columns(cues: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """The cues of a `PointMap` by the names of a map message's fields, NaN where unknown."""
    columns = {
        name: np.asarray(cues[name], np.float32)
        for name in ("intensity", "size", "sign")
        if name in cues
    }
    if "angle" in cues:
        directions = np.asarray(cues["angle"], np.float32)
        columns |= dict(zip(standard.DIRECTION, directions.T, strict=True))
    if "label" in cues:
        label = cues["label"]
        columns["label"] = np.where(label == standard.UNKNOWN_LABEL, np.nan, label).astype("f4")
    if "rgb" in cues:
        rgb = np.asarray(cues["rgb"], np.float32)
        columns["rgb"] = packed_rgb(np.where(rgb.any(axis=1, keepdims=True), rgb, np.nan))
    return columns


def fields_of(cloud: PointCloud2, row_step: int) -> dict[str, NDArray[np.generic]]:
    """By standard name, the first of several; an `rgb` of three or four numbers as its channels."""
    found: dict[str, NDArray[np.generic]] = {}
    for field in cloud.fields:
        name = standard.standard_name(field.name) or field.name
        channels = _CHANNELS if name == "rgb" and field.count in (3, 4) else ()
        for at, single in enumerate(channels or (name,)):
            column = _column(cloud, field, row_step, at, len(channels) or 1)
            if column is not None and (single != "rgb" or column.itemsize == 4):
                found.setdefault(single, column)
    return found


def _column(
    cloud: PointCloud2, field: PointField, row_step: int, at: int, count: int
) -> NDArray[np.generic] | None:
    """Number `at` of a field of at least `count`; None for one that is not there."""
    if not 0 < field.datatype < len(_TYPES) or (count == 1 and field.count > 1):
        return None
    dtype = np.dtype(_TYPES[field.datatype]).newbyteorder(">" if cloud.is_bigendian else "<")
    offset = field.offset + at * dtype.itemsize
    if offset + dtype.itemsize > cloud.point_step:
        return None
    if cloud.height * cloud.width == 0:
        return np.zeros(0, dtype.newbyteorder("="))
    shape, strides = (cloud.height, cloud.width), (row_step, cloud.point_step)
    view = np.ndarray(shape, dtype, cloud.data, offset, strides)
    return view.astype(dtype.newbyteorder("=")).reshape(-1)


def _finite(column: NDArray[np.generic]) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):
        values = column.astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    return values
