"""Rows of a .ply element that hold lists, so that each has another length."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import MapError
from bpnp_ros.point_map.formats.cloud import refuse_cut_off
from bpnp_ros.point_map.formats.ply_header import Element, Property
from bpnp_ros.point_map.formats.records import TextLines, as_declared


class Rows(Protocol):
    """The rows of an element; `at` is the number of a property."""

    def numbers(self, at: int) -> NDArray[Any]:
        """(N,): a number of each row."""

    def lists(self, at: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Lengths (N,), and all lists one after the other."""


@dataclass(frozen=True)
class _BinaryRows:
    """`starts` (N, P) are bytes of `data`: where each property of each row begins."""

    data: NDArray[np.uint8]
    properties: list[Property]
    starts: NDArray[np.int64]
    end: int

    def numbers(self, at: int) -> NDArray[Any]:
        return _gather(self.data, self.starts[:, at], self.properties[at].dtype)

    def lists(self, at: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
        prop, starts = self.properties[at], self.starts[:, at]
        assert prop.length is not None
        lengths = _gather(self.data, starts, prop.length).astype(np.int64)
        first = np.repeat(starts + prop.length.itemsize, lengths)
        within = np.arange(len(first)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return lengths, _gather(self.data, first + within * prop.dtype.itemsize, prop.dtype)


@dataclass(frozen=True)
class _TextRows:
    """`values`: per property its numbers; `lengths`: per property those of its lists."""

    properties: list[Property]
    values: list[array[float]]
    lengths: list[array[int]]

    def numbers(self, at: int) -> NDArray[Any]:
        return as_declared([np.array(self.values[at])], self.properties[at].dtype)

    def lists(self, at: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
        return np.array(self.lengths[at], np.int64), self.numbers(at)


def binary_rows(data: bytes, element: Element, path: Path) -> _BinaryRows:
    """The rows at the beginning of `data`. Raises MapError where they do not fit into it."""
    starts = _regular_starts(data, element)
    if starts is None:
        starts = _walked_starts(data, element, path)
    if len(starts) == 0:
        starts = np.zeros((1, len(element.properties) + 1), np.int64)[:0]
    end = int(starts[-1, -1]) if len(starts) else 0
    return _BinaryRows(np.frombuffer(data, np.uint8), element.properties, starts[:, :-1], end)


def text_rows(lines: TextLines, element: Element) -> _TextRows:
    """The next rows of a text file. Raises MapError for the first that is none."""
    properties = element.properties
    rows = _TextRows(properties, [array("d") for _ in properties], [array("q") for _ in properties])
    for row in range(element.count):
        line = next(lines, None)
        if line is None:
            refuse_cut_off(row, element.count, lines.path, element.rows)
            break
        try:
            _take_words(iter(line.split()), rows)
        except (ValueError, StopIteration) as error:
            raise lines.complaint(f"a row of the element {element.name}") from error
    return rows


def _take_words(words: Iterator[str], rows: _TextRows) -> None:
    for prop, values, lengths in zip(rows.properties, rows.values, rows.lengths, strict=True):
        if prop.length is None:
            values.append(float(next(words)))
            continue
        length = int(next(words))
        if length < 0:
            raise ValueError("a list of negative length")
        lengths.append(length)
        for _ in range(length):
            values.append(float(next(words)))
    if next(words, None) is not None:
        raise ValueError("more words than properties")


def _regular_starts(data: bytes, element: Element) -> NDArray[np.int64] | None:
    """Where properties begin, and in the last column the end, if all rows are as long as the first.

    None if they are not, or not all of them are there.
    """
    try:
        first = _one_row(data, 0, _layout(element))
    except struct.error:
        return None
    record = first[-1]
    if record <= 0 or record * element.count > len(data):
        return None
    starts = np.arange(element.count)[:, None] * record + np.array(first)
    buffer = np.frombuffer(data, np.uint8)
    for at, prop in enumerate(element.properties):
        if prop.length is not None:
            lengths = _gather(buffer, starts[:, at], prop.length)
            if (lengths != lengths[0]).any():
                return None
    return starts


def _walked_starts(data: bytes, element: Element, path: Path) -> NDArray[np.int64]:
    layout, starts, at = _layout(element), array("q"), 0
    for row in range(element.count):
        try:
            places = _one_row(data, at, layout)
        except struct.error:
            places = [len(data) + 1]
        if places[-1] > len(data):
            refuse_cut_off(row, element.count, path, element.rows)
        if places[-1] < at:
            raise MapError(f"{path}: a list of {element.name} {row} has a negative length.")
        starts.extend(places)
        at = places[-1]
    return np.array(starts, np.int64).reshape(element.count, len(layout) + 1)


_Layout = list[tuple[int, struct.Struct | None]]


def _layout(element: Element) -> _Layout:
    """Per property the bytes of a number; of a list also how its length is read."""
    return [
        (
            prop.dtype.itemsize,
            None if prop.length is None else struct.Struct(_struct_format(prop.length)),
        )
        for prop in element.properties
    ]


def _struct_format(dtype: np.dtype[Any]) -> str:
    return (">" if dtype.str[0] == ">" else "<") + dtype.char


def _one_row(data: bytes, at: int, layout: _Layout) -> list[int]:
    """Where each property of the row at byte `at` begins, and where the row ends."""
    places = [at]
    for size, length in layout:
        if length is None:
            at += size
        else:
            count = length.unpack_from(data, at)[0]
            if count < 0:
                return [*places, -1]
            at += length.size + count * size
        places.append(at)
    return places


def _gather(data: NDArray[np.uint8], starts: NDArray[np.int64], dtype: Any) -> NDArray[Any]:
    """The numbers that begin at the bytes `starts` (N,)."""
    out = np.empty((len(starts), dtype.itemsize), np.uint8)
    for byte in range(dtype.itemsize):
        out[:, byte] = data[starts + byte]
    return out.view(dtype)[:, 0]
