"""A map as a file that `load_map`, spreadsheets and viewers open: .csv or .ply."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import MapError
from bpnp_ros.whole_file import written_whole

Columns = Mapping[str, NDArray[np.generic]]

SUFFIXES = (".csv", ".ply")
_DECIMALS = 5  # of a metre


def check_suffix(path: Path) -> None:
    """Raises MapError for a file that no map can be written to."""
    if path.suffix.lower() not in SUFFIXES:
        raise MapError(f"{path}: a map is written as {' or '.join(SUFFIXES)}; name it so.")


def write_map(path: Path, columns: Columns) -> None:
    """Columns (N,) by the names that `formats` reads: x, y, z, and more. Raises MapError."""
    check_suffix(path)
    write = _write_csv if path.suffix.lower() == ".csv" else _write_ply
    with written_whole(path) as partial:
        write(partial, columns)


def _write_csv(path: Path, columns: Columns) -> None:
    formats = ["%d" if c.dtype.kind in "iu" else f"%.{_DECIMALS}f" for c in columns.values()]
    table = np.stack(list(columns.values()), axis=1)
    np.savetxt(path, table, formats, ",", header=",".join(columns), comments="")


def _write_ply(path: Path, columns: Columns) -> None:
    kinds = {name: "i4" if c.dtype.kind in "iu" else "f8" for name, c in columns.items()}
    rows = np.empty(len(next(iter(columns.values()))), [(n, f"<{k}") for n, k in kinds.items()])
    for name, column in columns.items():
        rows[name] = column
    words = {"i4": "int", "f8": "double"}
    properties = "".join(f"property {words[kind]} {name}\n" for name, kind in kinds.items())
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(rows)}\n{properties}"
    path.write_bytes(head.encode() + b"end_header\n" + rows.tobytes())
