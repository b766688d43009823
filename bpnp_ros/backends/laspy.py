"""laspy: reads .las and, with lazrs, .laz files. The only file that imports it (2.5 and newer)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import BpnpError, MapError

_POINTS_AT_ONCE = 1 << 20
_CUES = {"intensity": "intensity", "label": "classification"}
_COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class Scan:
    """An open file."""

    reader: Any

    @property
    def point_count(self) -> int:
        return int(self.reader.header.point_count)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Columns (N,): x, y, z float64, scaled and with their offset; what cues there are."""
        present = set(self.reader.header.point_format.dimension_names)
        fields = {axis: axis for axis in "xyz"}
        fields |= {name: field for name, field in _CUES.items() if field in present}
        fields |= {name: name for name in _COLOURS if name in present}
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in fields}
        for piece in self.reader.chunk_iterator(_POINTS_AT_ONCE):
            for name, field in fields.items():
                parts[name].append(np.array(piece[field]))
        found = {name: np.concatenate([np.empty(0), *part]) for name, part in parts.items()}
        there = len(found["x"])
        if there < self.point_count:
            raise EOFError(f"{there} of {self.point_count} points are there")
        return found


@contextmanager
def opened(path: Path) -> Iterator[Scan]:
    """The file's points. Raises MapError for whatever a damaged file makes the library raise."""
    try:
        import laspy
    except ImportError as error:
        raise MapError(
            f"{path} needs laspy ({error}): pip install 'laspy[lazrs]'; or convert it to .ply."
        ) from error
    try:
        with laspy.open(path) as reader:
            yield Scan(reader)
    except BpnpError:
        raise
    except Exception as error:
        raise MapError(
            f"{path} cannot be read ({error or type(error).__name__}); copy it again."
        ) from error
