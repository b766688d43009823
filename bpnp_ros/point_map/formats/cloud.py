"""What every reader of map files gives: positions, and the cues that the file has beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import MapError
from bpnp_ros.point_map.formats.cues import read_cues, read_detectability
from bpnp_ros.point_map.memory import refuse_without_memory

MOST_POINTS = 30_000_000

POSITION = ("x", "y", "z")


@dataclass(frozen=True, eq=False)
class Cloud:
    """The points of a file, as they are.

    points: (N, 3) float64, NaN included. detectability: (N,) in (0, 1], None where the file has
    none. cues: see `PointMap`.
    """

    points: NDArray[np.float64]
    detectability: NDArray[np.float64] | None = None
    cues: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def from_columns(cls, columns: Mapping[str, NDArray[Any]]) -> Cloud:
        """Columns (N,) under the names of `cues.standard_name`; `x`, `y`, `z` are among them."""
        points = np.empty((len(columns["x"]), 3))
        for axis, name in enumerate(POSITION):
            points[:, axis] = columns[name]
        return cls(points, read_detectability(columns), read_cues(columns))


def refuse_too_many(points: int, path: Path) -> None:
    """Raise MapError for more points than a localiser has any use for, or there is memory for."""
    if points > MOST_POINTS:
        raise MapError(
            f"{path} holds {points} points, more than {MOST_POINTS}; thin it first, for example "
            "with Open3D's voxel_down_sample."
        )
    refuse_without_memory(points, path)


def refuse_cut_off(there: int, promised: int, path: Path, things: str = "points") -> None:
    """Raise MapError where a file has fewer points, or other things, than its header promises."""
    if there < promised:
        raise MapError(
            f"{path} was cut off: {there} of {promised} {things} are there; copy it again."
        )


def require_position(fields: Mapping[str, Any], names: list[str], path: Path) -> None:
    """Raise MapError unless `fields` has x, y and z; `names` are those that the file has."""
    missing = [axis for axis in POSITION if axis not in fields]
    if missing:
        there = ", ".join(names) or "none"
        raise MapError(
            f"{path} has no field {' or '.join(missing)} of one number; its fields are {there}."
        )
