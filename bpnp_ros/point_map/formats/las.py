"""Laser scans as surveyors exchange them: .las, and packed .laz."""

from __future__ import annotations

from pathlib import Path

from bpnp_ros.backends import laspy
from bpnp_ros.point_map.formats.cloud import Cloud, refuse_too_many


def read_las(path: Path) -> Cloud:
    """The cloud of a .las or .laz file. Raises MapError, also where laspy is not installed."""
    with laspy.opened(path) as scan:
        refuse_too_many(scan.point_count, path)
        return Cloud.from_columns(scan.columns())
