"""Polygon files (.ply): points and meshes, ascii and binary, whatever else stands in their rows."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import BinaryIO

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
from bpnp_ros.point_map.formats.ply_header import Element, Header, Property, parse_header
from bpnp_ros.point_map.formats.ply_rows import Rows, binary_rows, text_rows
from bpnp_ros.point_map.formats.records import (
    LONGEST_HEADER,
    Columns,
    Field,
    TextLines,
    read_records,
    read_table,
    refuse_large_record,
)
from bpnp_ros.point_map.polygons import triangles_of_polygons, triangles_of_strips

_MOST_WALKED = 1 << 30
_CORNERS = ("vertex_indices", "vertex_index")


def read_ply(path: Path) -> Cloud:
    """The vertices of a .ply file. Raises MapError."""
    with path.open("rb") as file:
        return Cloud.from_columns(_Reader(file, path).vertices())


def read_ply_mesh(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices (V, 3) and triangles (F, 3): its polygons and strips in pieces. Raises MapError."""
    with path.open("rb") as file:
        reader = _Reader(file, path)
        columns = reader.vertices()
        vertices = np.stack([columns[axis].astype(np.float64) for axis in POSITION], axis=1)
        faces = triangles_of_polygons(*reader.corners("face"), vertices, path)
        strips = triangles_of_strips(*reader.corners("tristrips"), vertices, path)
    return vertices, np.concatenate([faces, strips])


class _Reader:
    """One open .ply file; each element is found by going past those before it."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path = file, path
        self._header: Header = parse_header(file.read(LONGEST_HEADER), path)
        self._refuse_promises()

    def _refuse_promises(self) -> None:
        """Compare what the header promises with the file's size, before memory is taken."""
        size = self._path.stat().st_size - self._header.start
        for element in self._header.elements:
            if element.name.lower() == "vertex":
                refuse_too_many(element.count, self._path)
            row = 1 if self._header.ascii else element.smallest
            refuse_large_record(row, self._path)
            if row * element.count > size:
                refuse_cut_off(size // row, element.count, self._path, element.rows)

    def vertices(self) -> Columns:
        """The columns of the vertices that are used, under their standard names."""
        element = self._header.element("vertex")
        if element is None:
            raise MapError(f"{self._path} has no element vertex, so no points; write it again.")
        names = [prop.name for prop in element.properties]
        chosen = {
            name: at
            for name, at in standard_names(names).items()
            if element.properties[at].length is None
        }
        require_position(chosen, names, self._path)
        if element.record is not None:
            return self._plain_columns(element, chosen)
        rows = self._rows(element)
        return {name: rows.numbers(at) for name, at in chosen.items()}

    def corners(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Lengths (F,) and the corners of all faces, one after the other; none of an absent one."""
        element = self._header.element(name)
        at = None if element is None else _corner_list(element.properties)
        if element is None or at is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        lengths, values = self._rows(element).lists(at)
        if values.dtype.kind not in "iu":
            raise MapError(
                f"{self._path} has a {name} whose corners are not whole numbers; write it again."
            )
        return lengths, values.astype(np.int64)

    def _plain_columns(self, element: Element, chosen: Mapping[str, int]) -> Columns:
        properties, file, path = element.properties, self._file, self._path
        if self._header.ascii:
            fields = {name: Field(at, properties[at].dtype) for name, at in chosen.items()}
            return read_table(self._lines_of(element), fields, len(properties), element.count)
        starts = np.cumsum([0, *(prop.dtype.itemsize for prop in properties)]).tolist()
        fields = {name: Field(starts[at], properties[at].dtype) for name, at in chosen.items()}
        file.seek(self._start_of(element))
        return read_records(file, fields, starts[-1], element.count, path)

    def _rows(self, element: Element) -> Rows:
        if self._header.ascii:
            return text_rows(self._lines_of(element), element)
        start = self._start_of(element)
        self._file.seek(start)
        return binary_rows(self._rest(), element, self._path)

    def _lines_of(self, element: Element) -> TextLines:
        """The lines from the element's first on."""
        header = self._header
        lines = TextLines(self._file, self._path, header.start, header.lines)
        for before in header.elements[: header.elements.index(element)]:
            rows = sum(1 for _ in islice(lines, before.count))
            refuse_cut_off(rows, before.count, self._path, before.rows)
        return lines

    def _start_of(self, element: Element) -> int:
        """The byte at which the element's rows begin."""
        start = self._header.start
        for before in self._header.elements:
            if before is element:
                break
            if before.record is not None:
                start += before.record * before.count
                continue
            self._file.seek(start)
            start += binary_rows(self._rest(), before, self._path).end
        return start

    def _rest(self) -> bytes:
        """What follows; rows with lists can only be found by walking through all of it."""
        if self._path.stat().st_size - self._file.tell() > _MOST_WALKED:
            raise MapError(
                f"{self._path} has more than {_MOST_WALKED >> 30} GiB of rows with lists; "
                "write its points without them."
            )
        return self._file.read()


def _corner_list(properties: list[Property]) -> int | None:
    """Which property says between which vertices a face is: by its name, or the only list."""
    lists = [at for at, prop in enumerate(properties) if prop.length is not None]
    named = [at for at in lists if properties[at].name.lower() in _CORNERS]
    whole = [at for at in lists if properties[at].dtype.kind in "iu"]
    return next(iter(named or whole), None)
