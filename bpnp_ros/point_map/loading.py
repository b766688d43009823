"""A map from a file: .pcd, .ply, .xyz, .npz, or a folder with a COLMAP model."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends import open3d
from bpnp_ros.errors import MapError
from bpnp_ros.point_map.cleaning import clean_map
from bpnp_ros.point_map.file_header import check_header, refuse_too_many
from bpnp_ros.point_map.npz import read_npz, take_points
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.point_map.sfm.sfm_model import SfmModel

_LARGEST_TEXT = 2 << 30


def load_map(path: str | Path, scale: float | None = None) -> PointMap:
    """Read a map and clean it.

    path: .pcd, .ply, .xyz (text, x y z in the first three columns), .npz (`points` or `points3d`
        (N, 3), optionally `detectability` (N,); or a scene of `SfmModel.from_npz`), or a COLMAP
        folder. For scenes and COLMAP models the detectability comes from the mapping images.
    scale: metres per unit of the map; see `needs_scale`.
    Raises MapError, which says what is wrong and what to do.
    """
    path = Path(path)
    if not path.exists():
        raise MapError(f"there is no map at {path}.")
    if path.is_dir():
        return SfmModel.from_colmap(path).point_map(scale)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise MapError(f"{path} is not a map; known are {', '.join(_READERS)} and COLMAP folders.")
    if path.stat().st_size == 0:
        raise MapError(f"{path} is empty.")
    return reader(path, scale)


def needs_scale(path: str | Path) -> bool:
    """Whether a map comes from structure from motion, whose unit is arbitrary."""
    path = Path(path)
    return path.is_dir() or (path.suffix.lower() == ".npz" and SfmModel.is_scene(read_npz(path)))


def _load_cloud(path: Path, scale: float | None) -> PointMap:
    check_header(path)
    return clean_map(open3d.read_points(path), scale=scale)


def _load_text(path: Path, scale: float | None) -> PointMap:
    size = path.stat().st_size
    if size > _LARGEST_TEXT:
        raise MapError(f"{path} has {size / 2**30:.1f} GiB of text; thin it, or write a .pcd.")
    points = _read_text(path)
    refuse_too_many(len(points), path)
    return clean_map(points, scale=scale)


def _read_text(path: Path) -> NDArray[np.float64]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of files that hold comments only
            points = np.loadtxt(path, usecols=(0, 1, 2), ndmin=2)
    except (ValueError, IndexError) as error:
        raise MapError(
            f"{path} is not a text file with x y z, separated by spaces, on each line ({error})."
        ) from error
    return points


def _load_npz(path: Path, scale: float | None) -> PointMap:
    arrays = read_npz(path)
    if SfmModel.is_scene(arrays):
        return SfmModel.from_arrays(arrays, path).point_map(scale)
    points = take_points(arrays, path)
    refuse_too_many(len(points), path)
    return clean_map(points, arrays.get("detectability"), scale)


_READERS: dict[str, Callable[[Path, float | None], PointMap]] = {
    ".pcd": _load_cloud,
    ".ply": _load_cloud,
    ".xyz": _load_text,
    ".npz": _load_npz,
}
