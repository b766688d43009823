"""Map files. A new format is one new file here, and one line in READERS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bpnp_ros.errors import MapError
from bpnp_ros.point_map.formats.cloud import Cloud
from bpnp_ros.point_map.formats.las import read_las
from bpnp_ros.point_map.formats.npz import read_npz_cloud
from bpnp_ros.point_map.formats.pcd import read_pcd
from bpnp_ros.point_map.formats.ply import read_ply
from bpnp_ros.point_map.formats.text import read_text

READERS: dict[str, Callable[[Path], Cloud]] = {
    ".pcd": read_pcd,
    ".ply": read_ply,
    ".npz": read_npz_cloud,
    **dict.fromkeys((".xyz", ".csv", ".txt", ".asc", ".pts"), read_text),
    **dict.fromkeys((".las", ".laz"), read_las),
}


def read_cloud(path: Path) -> Cloud:
    """The points of a map file as they are, in float64, with their cues. Raises MapError."""
    if not path.exists():
        raise MapError(f"there is no map at {path}.")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise MapError(f"{path} is not a map; known are {', '.join(READERS)} and COLMAP folders.")
    try:
        if path.stat().st_size == 0:
            raise MapError(f"{path} is empty.")
        return reader(path)
    except OSError as error:
        raise MapError(f"{path} cannot be read: {error.strerror or error}.") from error
