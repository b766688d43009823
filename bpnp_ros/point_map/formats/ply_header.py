"""The header of a .ply file: its elements, and of what numbers and lists their rows are made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpnp_ros.errors import MapError

_BYTE_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
_TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("int64", "long"), "i8"),
    **dict.fromkeys(("uint64", "ulong"), "u8"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
_REMARKS = ("comment", "obj_info")


@dataclass(frozen=True)
class Property:
    """A number of each row, or with a `length` type a list of them."""

    name: str
    dtype: np.dtype[Any]
    length: np.dtype[Any] | None = None


@dataclass(frozen=True)
class Element:
    """A kind of thing, `vertex` or `face`, of which the file holds `count`."""

    name: str
    count: int
    properties: list[Property]

    @property
    def record(self) -> int | None:
        """Bytes of a row; None where they vary."""
        if any(prop.length is not None for prop in self.properties):
            return None
        return sum(prop.dtype.itemsize for prop in self.properties)

    @property
    def rows(self) -> str:
        """What to call its rows in a message."""
        return "points" if self.name.lower() == "vertex" else f"{self.name} rows"

    @property
    def smallest(self) -> int:
        """Bytes of a row whose lists are empty."""
        return sum((prop.length or prop.dtype).itemsize for prop in self.properties)


@dataclass(frozen=True)
class Header:
    """The elements in the file's order; the data start at byte `start`, after `lines` lines."""

    ascii: bool
    elements: list[Element]
    start: int
    lines: int

    def element(self, name: str) -> Element | None:
        return next((e for e in self.elements if e.name.lower() == name), None)


def parse_header(head: bytes, path: Path) -> Header:
    """The header at the beginning of `head`. Raises MapError."""
    first = re.match(rb"ply[ \t]*(\r\n|\n|\r)", head)
    if first is None:
        raise _damaged(path, "it does not start with the word ply")
    newline = rb"\r" if first[1] == b"\r" else rb"\r?\n"
    last = re.search(rb"(?:\r|\n)end_header[ \t]*(?:" + newline + rb"|\Z)", head)
    if last is None:
        raise _damaged(path, "it has no end_header")
    lines = head[: last.end()].decode("latin-1").splitlines()
    words = [line.split() for line in lines[1:-1]]
    statements = [line for line in words if line and line[0] not in _REMARKS]
    order = _byte_order(statements, path)
    elements: list[Element] = []
    for words_of_line in statements:
        _take(words_of_line, elements, order, path)
    return Header(order == "=", elements, last.end(), len(lines))


def _byte_order(statements: list[list[str]], path: Path) -> str:
    form = next((line[1] for line in statements if line[0] == "format" and len(line) > 1), "")
    if form.lower() not in _BYTE_ORDERS:
        raise _damaged(path, f"its format is {form!r}, not one of {', '.join(_BYTE_ORDERS)}")
    return _BYTE_ORDERS[form.lower()]


def _take(line: list[str], elements: list[Element], order: str, path: Path) -> None:
    """Add what one line of the header says to `elements`."""
    match line:
        case ["format", *_]:
            return
        case ["element", name, count] if count.isascii() and count.isdigit() and len(count) < 19:
            elements.append(Element(name, int(count), []))
            return
        case ["property", "list", length, kind, name] if elements:
            length_type, dtype = _TYPES.get(length.lower(), ""), _TYPES.get(kind.lower())
            if dtype and length_type[:1] in ("i", "u"):
                elements[-1].properties.append(
                    Property(name, np.dtype(order + dtype), np.dtype(order + length_type))
                )
                return
        case ["property", kind, name] if elements and kind.lower() in _TYPES:
            elements[-1].properties.append(Property(name, np.dtype(order + _TYPES[kind.lower()])))
            return
    raise _damaged(path, f"nobody can read the line {' '.join(line)[:60]!r}")


def _damaged(path: Path, why: str) -> MapError:
    return MapError(f"{path} has no valid .ply header: {why}; write it again, or copy it again.")
