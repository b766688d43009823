"""Points as NumPy's arrays (.npz)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import MapError
from bpnp_ros.point_map.formats.cloud import Cloud, refuse_too_many
from bpnp_ros.point_map.npz import read_npz, take_points

_SPLIT = {
    "rgb": ("red", "green", "blue"),
    "colors": ("red", "green", "blue"),
    "normals": ("nx", "ny", "nz"),
}
_SINGLE = ("intensity", "label", "size", "detectability")


def read_npz_cloud(path: Path) -> Cloud:
    """The array `points` or `points3d` (N, 3), and cues under their names. Raises MapError."""
    arrays = read_npz(path)
    points = take_points(arrays, path)
    refuse_too_many(len(points), path)
    columns: dict[str, NDArray[Any]] = dict(zip("xyz", points.T, strict=True))
    for name in _SINGLE:
        if name in arrays:
            columns[name] = _checked(arrays[name], (len(points),), name, path)
    for name, channels in _SPLIT.items():
        if name in arrays:
            values = _checked(arrays[name], (len(points), 3), name, path)
            columns.update(zip(channels, values.T, strict=True))
    return Cloud.from_columns(columns)


def _checked(values: NDArray[Any], shape: tuple[int, ...], name: str, path: Path) -> NDArray[Any]:
    if values.shape != shape or values.dtype.kind not in "biuf":
        raise MapError(
            f"{path} has {name} of shape {values.shape} and type {values.dtype}; "
            f"its {shape[0]} points need real numbers of shape {shape}."
        )
    return values.astype(np.uint8) if values.dtype.kind == "b" else values
