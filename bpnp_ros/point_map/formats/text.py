"""Points as text: .xyz, .csv and the like, in columns under a head line or without one.

Commas, semicolons, tabs or spaces divide the columns. Without a head line x, y, z are the first
three, and the rest is not used.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import MapError
from bpnp_ros.point_map.formats.cloud import (
    POSITION,
    Cloud,
    refuse_cut_off,
    refuse_too_many,
    require_position,
)
from bpnp_ros.point_map.formats.cues import standard_names
from bpnp_ros.point_map.formats.records import TextLines

_log = logging.getLogger(__name__)

_LARGEST_TEXT = 2 << 30
_ROWS_AT_ONCE = 1 << 18
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WANTED = "x y z and further columns, divided by spaces or by commas, with decimal points"


def read_text(path: Path) -> Cloud:
    """The cloud of a text file. Raises MapError, which names the line that is wrong."""
    size = path.stat().st_size
    if size > _LARGEST_TEXT:
        raise MapError(f"{path} has {size / 2**30:.1f} GiB of text; thin it, or write a .pcd.")
    with path.open("rb") as file:
        start = file.read(4)
        if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise MapError(f"{path} is text in UTF-16; save it as UTF-8.")
        marked = start.startswith(_BYTE_ORDER_MARK)
        return _Table(TextLines(file, path, len(_BYTE_ORDER_MARK) if marked else 0)).cloud()


class _Table:
    """The lines of one file, without comments, and what its first lines say of the others."""

    def __init__(self, lines: TextLines) -> None:
        self._lines = lines
        self._path = lines.path
        self._remark = ""
        self._promised: int | None = None

    def cloud(self) -> Cloud:
        data = self._data()
        first = next(data, "")
        if first.strip().isdigit():  # .pts files begin with the number of points
            self._promised = int(first)
            first = next(data, "")
        self._divider = next((sign for sign in ";,\t" if sign in first), None)
        words = self._words(first)
        if _is_row(words):
            names = self._names_in_remark(len(words))
            data = chain([first], data)
        else:
            names = self._names(words)
        return Cloud.from_columns(self._columns(names, data))

    def _data(self) -> Iterator[str]:
        for line in self._lines:
            text, sign, remark = line.partition("#")
            if text.lstrip().startswith(("//", "%")):
                sign, text, remark = "//", "", text.strip().lstrip("/%")
            if text.strip():
                yield text
            elif sign:
                self._remark = remark

    def _words(self, line: str) -> list[str]:
        if '"' in line:
            return next(csv.reader([line.strip()], delimiter=self._divider or " "))
        return line.split(self._divider)

    def _names(self, words: list[str]) -> dict[str, int]:
        names = standard_names(words)
        if not words:
            return {axis: at for at, axis in enumerate(POSITION)}
        if not any(axis in names for axis in POSITION):
            raise self._lines.complaint(_WANTED)
        require_position(names, words, self._path)
        return names

    def _names_in_remark(self, columns: int) -> dict[str, int]:
        """`# x y z label` names the columns too, if it has as many words."""
        words = self._remark.replace(",", " ").replace(";", " ").split()
        names = standard_names(words)
        if len(words) == columns and all(axis in names for axis in POSITION):
            return names
        return {axis: at for at, axis in enumerate(POSITION)}

    def _columns(self, names: dict[str, int], data: Iterator[str]) -> dict[str, NDArray[Any]]:
        parts, there = [np.empty((0, len(names)))], 0
        while len(rows := self._some_rows(names, data)):
            parts.append(rows)
            there += len(rows)
            refuse_too_many(there, self._path)
        if self._promised is not None:
            refuse_cut_off(there, self._promised, self._path)
        table = np.concatenate(parts)
        if "label" in names and there and np.isnan(table[:, [*names].index("label")]).all():
            _log.warning("%s: no label is a number, so none is used; number them.", self._path)
        return {name: table[:, at] for at, name in enumerate(names)}

    def _some_rows(self, names: dict[str, int], data: Iterator[str]) -> NDArray[np.float64]:
        rows = []
        for line in data:
            words = self._words(line)
            try:
                rows.append(
                    [
                        float(words[at]) if name in POSITION else _number(words, at)
                        for name, at in names.items()
                    ]
                )
            except (ValueError, IndexError) as error:
                raise self._lines.complaint(_WANTED) from error
            if len(rows) == _ROWS_AT_ONCE:
                break
        return np.array(rows, np.float64).reshape(-1, len(names))


def _is_row(words: list[str]) -> bool:
    """Whether a line is no head line: it begins with a number."""
    try:
        float(words[0])
    except (ValueError, IndexError):
        return False
    return True


def _number(words: list[str], at: int) -> float:
    """NaN for a word that is no number, as a label in letters."""
    try:
        return float(words[at])
    except (ValueError, IndexError):
        return np.nan
