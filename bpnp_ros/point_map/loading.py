"""A map from a file of any of the formats, or from a folder with a COLMAP model."""

from __future__ import annotations

from pathlib import Path

from bpnp_ros.point_map.cleaning import clean_map
from bpnp_ros.point_map.formats import read_cloud
from bpnp_ros.point_map.npz import npz_names
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.point_map.sfm.sfm_model import SfmModel


def load_map(path: str | Path, scale: float | None = None) -> PointMap:
    """Read a map and clean it.

    path: a file of one of `formats.READERS`, a scene of `SfmModel.from_npz`, or a COLMAP folder.
        For scenes and COLMAP models the detectability comes from the mapping images.
        They also bring their photographs, which say what is seen from where.
    scale: metres per unit of the map; see `needs_scale`.
    Raises MapError, which says what is wrong and what to do.
    """
    path = Path(path)
    if needs_scale(path):
        return SfmModel.load(path).point_map(scale)
    cloud = read_cloud(path)
    return clean_map(cloud.points, cloud.detectability, scale, cloud.cues)


def needs_scale(path: str | Path) -> bool:
    """Whether a map comes from structure from motion, whose unit is arbitrary."""
    path = Path(path)
    is_file = path.suffix.lower() == ".npz" and path.is_file() and path.stat().st_size > 0
    return path.is_dir() or (is_file and SfmModel.is_scene(npz_names(path)))
