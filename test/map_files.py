"""Map files as other programs write them, made for the tests."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

Column = tuple[str, str, int, np.ndarray | None]
"""Name, type (`F4`), count, and values; zeros where there are none."""


def pcd(columns: Sequence[Column], points: int, data: str = "binary", **lines: str) -> bytes:
    """A .pcd file; `lines` replace those of its header, or with "" leave them out."""
    names, types, counts, _ = zip(*columns, strict=True)
    header = {
        "VERSION": "0.7",
        "FIELDS": " ".join(names),
        "SIZE": " ".join(kind[1] for kind in types),
        "TYPE": " ".join(kind[0] for kind in types),
        "COUNT": " ".join(map(str, counts)),
        "WIDTH": str(points),
        "HEIGHT": "1",
        "VIEWPOINT": "0 0 0 1 0 0 0",
        "POINTS": str(points),
        "DATA": data,
        **lines,
    }
    text = "".join(f"{key} {value}\n" for key, value in header.items() if value)
    return f"# .PCD v0.7\n{text}".encode("latin-1") + _pcd_data(columns, points, data.lower())


def _pcd_data(columns: Sequence[Column], points: int, data: str) -> bytes:
    dtype = [(f"f{at}", _numpy(kind), (count,)) for at, (_, kind, count, _) in enumerate(columns)]
    rows = np.zeros(points, dtype)
    for at, (*_, values) in enumerate(columns):
        if values is not None:
            rows[f"f{at}"] = np.asarray(values).reshape(points, -1)
    if data == "ascii":
        lists = [[repr(number.item()) for cell in row for number in cell] for row in rows]
        return "".join(" ".join(words) + "\n" for words in lists).encode()
    if data == "binary":
        return rows.tobytes()
    plain = b"".join(rows[name].tobytes() for name in rows.dtype.names or ())
    packed = stored_lzf(plain)
    return struct.pack("<II", len(packed), len(plain)) + packed


def stored_lzf(plain: bytes) -> bytes:
    """LZF with words of literals, and where bytes repeat in runs of 16, of repetitions."""
    packed, at = bytearray(), 0
    while at < len(plain):
        run = plain[at : at + 16]
        if at and len(run) == 16 and run == plain[at - 1 : at] * 16:
            packed += bytes((7 << 5, 16 - 9, 0))
        else:
            packed += bytes((len(run) - 1,)) + run
        at += len(run)
    return bytes(packed)


def _numpy(kind: str) -> str:
    return f"<{kind[0].lower()}{kind[1]}"


def ply(elements: Sequence[tuple[str, list[str], list[tuple[Any, ...]]]], form: str) -> bytes:
    """A .ply file: per element its name, properties ("float x", "list uchar int v") and rows."""
    header = ["ply", f"format {form} 1.0", "comment made in K\xf6ln", "obj_info num_cols 3"]
    for name, properties, rows in elements:
        header += [f"element {name} {len(rows)}", *(f"property {prop}" for prop in properties)]
    parts = ["\n".join([*header, "end_header\n"]).encode("latin-1")]
    for _, properties, rows in elements:
        write = _text_row if form == "ascii" else _binary_row
        parts += [write(properties, row, ">" if "big" in form else "<") for row in rows]
    return b"".join(parts)


def _text_row(_: list[str], row: tuple[Any, ...], __: str) -> bytes:
    words = [f"{len(v)} {' '.join(map(str, v))}" if isinstance(v, list) else str(v) for v in row]
    return (" ".join(words) + "\n").encode()


_CODES = {"uchar": "B", "char": "b", "ushort": "H", "int": "i", "uint": "I", "float": "f"}
_CODES |= {"double": "d", "float64": "d", "uint8": "B", "int32": "i", "float32": "f", "short": "h"}


def _binary_row(properties: list[str], row: tuple[Any, ...], order: str) -> bytes:
    data = b""
    for prop, value in zip(properties, row, strict=True):
        words = prop.split()
        if words[0] == "list":
            data += struct.pack(order + _CODES[words[1]], len(value))
            data += struct.pack(f"{order}{len(value)}{_CODES[words[2]]}", *value)
        else:
            data += struct.pack(order + _CODES[words[0]], value)
    return data
