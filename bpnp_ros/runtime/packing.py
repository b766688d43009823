"""Columns -> the bytes of a point cloud, whichever library then makes a message of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.runtime.keypoint_fields import map_cue_columns

Columns = Mapping[str, NDArray[np.floating]]
MapCues = Mapping[str, NDArray[Any]]

_DATATYPES = {"f4": 7, "f8": 8}  # of sensor_msgs/PointField
_FINEST_MAP = 1e-4  # metres


@dataclass(frozen=True)
class Packed:
    """A cloud of one row. fields: name, offset, datatype and count of each PointField."""

    width: int
    fields: list[dict[str, Any]]
    point_step: int
    data: bytes
    is_dense: bool


def pack(columns: Columns) -> Packed:
    """A field for each column (N,): float32, or float64 where the column is."""
    formats = {name: "f8" if c.dtype.itemsize == 8 else "f4" for name, c in columns.items()}
    points = np.empty(len(next(iter(columns.values()))), list(formats.items()))
    for name, column in columns.items():
        points[name] = column
    ends = np.cumsum([int(code[1]) for code in formats.values()]).tolist()
    fields = [
        {"name": name, "offset": end - int(code[1]), "datatype": _DATATYPES[code], "count": 1}
        for (name, code), end in zip(formats.items(), ends, strict=True)
    ]
    finite = all(bool(np.isfinite(column).all()) for column in columns.values())
    return Packed(len(points), fields, points.itemsize, points.tobytes(), finite)


def map_columns(points: NDArray[np.float64], cues: MapCues | None = None) -> Columns:
    """Map points (N, 3) and their cues: float32, which RViz needs, unless far coordinates would
    lose 0.1 mm."""
    coarsest = np.spacing(np.abs(points).max(initial=0.0).astype(np.float32))
    kept = points.astype(np.float32) if coarsest <= _FINEST_MAP else points
    return {**dict(zip("xyz", kept.T, strict=True)), **map_cue_columns(cues or {})}
