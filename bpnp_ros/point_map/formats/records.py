"""Rows of numbers as .pcd and .ply files hold them: in binary records, or in lines of text."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import MapError
from bpnp_ros.point_map.formats.cloud import refuse_cut_off

LONGEST_HEADER = 1 << 24
_LONGEST_LINE = 1 << 20
_LARGEST_RECORD = 1 << 20
_BYTES_AT_ONCE = 1 << 25
_ROWS_AT_ONCE = 1 << 18
_OTHER_NAN = re.compile(r"[+-]?(?:1\.#\w+|nan\(\w*\))", re.IGNORECASE)  # as Windows writes it

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Field:
    """Where a number stands in each row: `at` is its byte, in text its column."""

    at: int
    dtype: np.dtype[Any]


def refuse_large_record(record: int, path: Path) -> None:
    """Raise MapError for a point that cannot be one."""
    if record > _LARGEST_RECORD:
        raise MapError(f"{path} promises {record} bytes a point; its header is damaged.")


def read_records(
    file: BinaryIO, fields: Mapping[str, Field], record: int, count: int, path: Path
) -> Columns:
    """Columns (count,) of `count` records of `record` bytes. Raises MapError for too few."""
    dtype = np.dtype(
        {
            "names": list(fields),
            "formats": [field.dtype for field in fields.values()],
            "offsets": [field.at for field in fields.values()],
            "itemsize": record,
        }
    )
    step = max(_BYTES_AT_ONCE // record, 1)
    columns = {name: np.empty(count, field.dtype) for name, field in fields.items()}
    for first in range(0, count, step):
        data = file.read(min(step, count - first) * record)
        if len(data) < min(step, count - first) * record:
            refuse_cut_off(first + len(data) // record, count, path)
        rows = np.frombuffer(data, dtype)
        for name, column in columns.items():
            column[first : first + step] = rows[name]
    return columns


class TextLines(Iterator[str]):
    """The lines of an open file from byte `start` on, counted; blank ones are left out."""

    def __init__(self, file: BinaryIO, path: Path, start: int = 0, lines_before: int = 0) -> None:
        again = open(file.fileno(), "rb", closefd=False)  # noqa: SIM115
        again.seek(start)
        self._file = TextIOWrapper(again, "latin-1")
        self.path = path
        self.number = lines_before
        self.line = ""

    def __next__(self) -> str:
        while line := self._file.readline(_LONGEST_LINE):
            self.number += 1
            if len(line) == _LONGEST_LINE:
                raise MapError(f"{self.path} is not text: line {self.number} does not end.")
            if not line.isspace():
                self.line = _OTHER_NAN.sub("nan", line) if "#" in line or "(" in line else line
                return self.line
        raise StopIteration

    def complaint(self, wanted: str) -> MapError:
        """The error for the line that was read last."""
        shown = self.line.strip()
        shown = shown if len(shown) <= 60 else f"{shown[:60]}..."
        return MapError(
            f"line {self.number} of {self.path} is not {wanted}: {shown!r}; "
            "write the file again, or copy it again."
        )


def read_table(lines: TextLines, fields: Mapping[str, Field], width: int, count: int) -> Columns:
    """Columns (count,) of `count` lines with `width` numbers each. Raises MapError."""
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in fields}
    there = 0
    while there < count:
        rows = _some_rows(lines, width, min(count - there, _ROWS_AT_ONCE))
        if len(rows) == 0:
            refuse_cut_off(there, count, lines.path)
        there += len(rows)
        for name, field in fields.items():
            parts[name].append(rows[:, field.at].copy())
    return {name: as_declared(parts[name], field.dtype) for name, field in fields.items()}


def _some_rows(lines: TextLines, width: int, most: int) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a file that is at its end
        try:
            return np.loadtxt(_of_width(lines, width), ndmin=2, comments=None, max_rows=most)
        except ValueError as error:
            raise lines.complaint(f"{width} numbers") from error


def _of_width(lines: TextLines, width: int) -> Iterator[str]:
    for line in lines:
        if len(line.split()) != width:
            raise lines.complaint(f"{width} numbers")
        yield line


def as_declared(parts: list[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Numbers out of text in the type that the header names, as far as that can hold them."""
    values = np.concatenate([np.empty(0), *parts])
    with np.errstate(over="ignore", invalid="ignore"):
        if dtype.kind == "f":
            return values.astype(dtype)
        limits = np.iinfo(dtype)
        whole = (values >= limits.min) & (values <= limits.max) & (values == np.trunc(values))
        return values.astype(dtype) if whole.all() else values
