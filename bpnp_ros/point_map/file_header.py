"""The headers of .pcd and .ply files: refuse what is no map, or was cut off, before it is read.

Open3D reserves whatever memory a header asks for, and fills points that the file lacks with zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bpnp_ros.errors import MapError

MOST_POINTS = 30_000_000
_LONGEST_HEADER = 1 << 16

_PLY_BYTES = {
    **dict.fromkeys(("char", "uchar", "int8", "uint8"), 1),
    **dict.fromkeys(("short", "ushort", "int16", "uint16"), 2),
    **dict.fromkeys(("int", "uint", "float", "int32", "uint32", "float32"), 4),
    **dict.fromkeys(("double", "float64"), 8),
}

_SECTIONS = ("element", "end_header")


@dataclass(frozen=True)
class Header:
    """What a file promises. `record` is the bytes of one point, 0 where they vary."""

    fields: tuple[str, ...]
    points: int
    record: int
    encoding: str
    start: int


def check_header(path: Path) -> None:
    """Raise MapError unless the file's header promises points with x, y, z that are all there."""
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
    try:
        header = _parse_ply(head) if path.suffix.lower() == ".ply" else _parse_pcd(head)
    except (ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
        raise MapError(f"{path} has no valid {path.suffix} header ({error}).") from error
    missing = [field for field in "xyz" if field not in header.fields]
    if missing:
        there = ", ".join(header.fields)
        raise MapError(f"{path} has no field {' or '.join(missing)}; its fields are {there}.")
    refuse_too_many(header.points, path)
    whole = _points_there(path, header, head)
    if whole < header.points:
        raise MapError(
            f"{path} was cut off: {whole} of {header.points} points are there; copy it again."
        )


def refuse_too_many(points: int, path: Path) -> None:
    """Raise MapError for more points than a localiser has any use for."""
    if points > MOST_POINTS:
        raise MapError(
            f"{path} holds {points} points, more than {MOST_POINTS}; thin it first, for example "
            "with Open3D's voxel_down_sample."
        )


def _points_there(path: Path, header: Header, head: bytes) -> int:
    size = path.stat().st_size - header.start
    if header.encoding == "ascii":
        with path.open("rb") as file:
            file.seek(header.start)
            return sum(1 for line in file if line.strip())
    if header.encoding == "binary_compressed":
        sizes = head[header.start : header.start + 8]
        packed, unpacked = int.from_bytes(sizes[:4], "little"), int.from_bytes(sizes[4:], "little")
        whole = len(sizes) == 8 and size >= 8 + packed
        return unpacked // header.record if whole else 0
    return size // header.record if header.record else header.points


def _parse_pcd(head: bytes) -> Header:
    end = head.index(b"\n", head.index(b"\nDATA ") + 1)
    lines = [line.split() for line in head[:end].decode().splitlines()]
    entries = {line[0]: line[1:] for line in lines if line}
    count = [int(number) for number in entries.get("COUNT", ["1"] * len(entries["SIZE"]))]
    record = sum(int(size) * n for size, n in zip(entries["SIZE"], count, strict=True))
    return Header(
        fields=tuple(entries["FIELDS"]),
        points=int(entries["POINTS"][0]),
        record=record,
        encoding=entries["DATA"][0].lower(),
        start=end + 1,
    )


def _parse_ply(head: bytes) -> Header:
    if not head.startswith(b"ply"):
        raise ValueError("it does not start with the word ply")
    end = head.index(b"\n", head.index(b"\nend_header") + 1)
    lines = [line.split() for line in head[:end].decode().splitlines()]
    elements = [row for row, line in enumerate(lines) if line and line[0] in _SECTIONS]
    vertex = [lines[row][:2] for row in elements].index(["element", "vertex"])
    section = lines[elements[vertex] : elements[vertex + 1]]
    properties = [line for line in section if line and line[0] == "property"]
    fixed = vertex == 0 and all(line[1] in _PLY_BYTES for line in properties)
    return Header(
        fields=tuple(line[-1] for line in properties),
        points=int(section[0][2]),
        record=sum(_PLY_BYTES[line[1]] for line in properties) if fixed else 0,
        encoding={line[0]: line for line in lines if line}["format"][1],
        start=end + 1,
    )
