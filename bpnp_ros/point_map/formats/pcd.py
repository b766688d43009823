"""Point Cloud Data, the format of PCL (0.5 to 0.7): ascii, binary and binary_compressed.

Of its header the layout matters alone: VERSION, VIEWPOINT, comments and fields that are not used,
padding (`_`) included, do not.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bpnp_ros.errors import MapError
from bpnp_ros.point_map.formats import lzf
from bpnp_ros.point_map.formats.cloud import (
    Cloud,
    refuse_cut_off,
    refuse_too_many,
    require_position,
)
from bpnp_ros.point_map.formats.cues import standard_names
from bpnp_ros.point_map.formats.records import (
    LONGEST_HEADER,
    Columns,
    Field,
    TextLines,
    read_records,
    read_table,
    refuse_large_record,
)

_MOST_UNPACKED = 1 << 30
_LAST_LINE = re.compile(
    rb"^[ \t]*DATA[ \t]+(\S+)[ \t]*(?:\r?\n|\r|\Z)", re.IGNORECASE | re.MULTILINE
)
_NUMBERS = {
    **{f"F{size}": f"<f{size}" for size in (2, 4, 8)},
    **{f"I{size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"U{size}": f"<u{size}" for size in (1, 2, 4, 8)},
}


@dataclass(frozen=True)
class _Header:
    """Per field its name, type (`F4`), bytes and how many numbers it has; then the data."""

    names: list[str]
    types: list[str]
    sizes: list[int]
    counts: list[int]
    points: int
    encoding: str
    start: int
    lines: int

    @property
    def record(self) -> int:
        return sum(size * count for size, count in zip(self.sizes, self.counts, strict=True))

    def fields(self, path: Path) -> dict[str, tuple[int, np.dtype]]:
        """Standard name -> number of the field, and its type. Raises MapError."""
        chosen = standard_names(self.names)
        fields = {
            name: (at, np.dtype(_NUMBERS[self.types[at]]))
            for name, at in chosen.items()
            if self.counts[at] == 1 and self.types[at] in _NUMBERS
        }
        require_position(fields, self.names, path)
        return fields


def read_pcd(path: Path) -> Cloud:
    """The cloud of a .pcd file. Raises MapError."""
    with path.open("rb") as file:
        header = _read_header(file.read(LONGEST_HEADER), path)
        refuse_too_many(header.points, path)
        refuse_large_record(header.record, path)
        file.seek(header.start)
        reader = _READERS.get(header.encoding)
        if reader is None:
            raise MapError(
                f"{path} has DATA {header.encoding!r}; known are {', '.join(_READERS)}: "
                "write it again as one of these."
            )
        return Cloud.from_columns(reader(file, header, path))


def _read_header(head: bytes, path: Path) -> _Header:
    last = _LAST_LINE.search(head)
    if last is None:
        raise MapError(f"{path} has no valid .pcd header: it has no line DATA; copy it again.")
    lines = head[: last.start()].decode("latin-1").splitlines()
    words = [line.split() for line in lines if not line.lstrip().startswith("#")]
    entries = {line[0].upper(): line[1:] for line in words if line}
    names = entries.get("FIELDS", entries.get("COLUMNS"))
    if not names:
        raise MapError(f"{path} has no valid .pcd header: it has no line FIELDS; write it again.")
    sizes = _numbers(entries, "SIZE", len(names), 4, path)
    kinds = _per_field(entries, "TYPE", len(names), "F", path)
    return _Header(
        names=names,
        types=[f"{kind.upper()}{size}" for kind, size in zip(kinds, sizes, strict=True)],
        sizes=sizes,
        counts=_numbers(entries, "COUNT", len(names), 1, path),
        points=_point_count(entries, path),
        encoding=last[1].decode("latin-1").lower(),
        start=last.end(),
        lines=len(lines) + 1,
    )


def _per_field(
    entries: dict[str, list[str]], key: str, fields: int, default: str, path: Path
) -> list[str]:
    values = entries.get(key, [default] * fields)
    if len(values) != fields:
        raise MapError(
            f"{path} has no valid .pcd header: {fields} fields, but {len(values)} words in the "
            f"line {key}; write it again."
        )
    return values


def _numbers(
    entries: dict[str, list[str]], key: str, fields: int, default: int, path: Path
) -> list[int]:
    return [
        _whole(word, key, path) for word in _per_field(entries, key, fields, str(default), path)
    ]


def _whole(word: str, key: str, path: Path) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 19):
        raise MapError(f"{path} has no valid .pcd header: {key} is {word!r}; write it again.")
    return int(word)


def _point_count(entries: dict[str, list[str]], path: Path) -> int:
    """POINTS, or WIDTH times HEIGHT as PCL has it."""
    known = {
        key: _whole(entries[key][0], key, path)
        for key in ("POINTS", "WIDTH", "HEIGHT")
        if entries.get(key)
    }
    grid = known["WIDTH"] * known.get("HEIGHT", 1) if "WIDTH" in known else 0
    points = known.get("POINTS", grid)
    if not known.keys() & {"POINTS", "WIDTH"}:
        raise MapError(
            f"{path} has no valid .pcd header: neither POINTS nor WIDTH; write it again."
        )
    if grid not in (0, points):
        raise MapError(
            f"{path} has POINTS {points}, but WIDTH x HEIGHT is {grid}; one of them is damaged, "
            "write it again."
        )
    return points


def _read_ascii(file: BinaryIO, header: _Header, path: Path) -> Columns:
    fields = {
        name: Field(sum(header.counts[:at]), dtype)
        for name, (at, dtype) in header.fields(path).items()
    }
    lines = TextLines(file, path, header.start, header.lines)
    return read_table(lines, fields, sum(header.counts), header.points)


def _read_binary(file: BinaryIO, header: _Header, path: Path) -> Columns:
    there = (path.stat().st_size - header.start) // max(header.record, 1)
    refuse_cut_off(there, header.points, path)
    starts = np.cumsum([0, *np.multiply(header.sizes, header.counts)]).tolist()
    fields = {name: Field(starts[at], dtype) for name, (at, dtype) in header.fields(path).items()}
    return read_records(file, fields, header.record, header.points, path)


def _read_compressed(file: BinaryIO, header: _Header, path: Path) -> Columns:
    """Field after field, each of all points, in one packed piece."""
    fields, size = header.fields(path), header.points * header.record
    data = _unpacked(file, size, header.points, path)
    starts = np.cumsum([0, *np.multiply(header.sizes, header.counts)]).tolist()
    columns = {}
    for name, (at, dtype) in fields.items():
        data.seek(starts[at] * header.points)
        columns[name] = np.frombuffer(data.read(dtype.itemsize * header.points), dtype)
    return columns


def _unpacked(file: BinaryIO, size: int, points: int, path: Path) -> BytesIO:
    sizes = file.read(8)
    packed, unpacked = struct.unpack("<II", sizes) if len(sizes) == 8 else (0, 0)
    there = path.stat().st_size - file.tell()
    if len(sizes) < 8 or there < packed:
        refuse_cut_off(0, points, path)
    if unpacked != size or size > min(_MOST_UNPACKED, lzf.MOST_SHRUNK * packed):
        raise MapError(
            f"{path} cannot be read: {packed} bytes are to unpack to {unpacked}, the header's "
            f"points take {size}; write it again, uncompressed."
        )
    try:
        return BytesIO(lzf.unpack(file.read(packed), size))
    except ValueError as error:
        raise MapError(f"{path} cannot be read: its packed data are damaged ({error}).") from error


_READERS = {
    "ascii": _read_ascii,
    "binary": _read_binary,
    "binary_compressed": _read_compressed,
}
