"""Map and mesh files with damage."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from fuzz.damage import damaged, one_of
from fuzz.kind import Kind
from map_files import pcd, ply

from bpnp_ros.point_map.loading import load_map
from bpnp_ros.point_map.mesh_file import read_mesh

COUNT = 30
_XYZ = np.random.default_rng(0).uniform(-5, 5, (COUNT, 3)).astype(np.float32)
_COLUMNS = [(axis, "F4", 1, _XYZ[:, at]) for at, axis in enumerate("xyz")]
_FIELDS = [*_COLUMNS, ("_", "U1", 4, None), ("rgb", "U4", 1, None), ("label", "I2", 1, None)]
_PROPERTIES = ["float x", "float y", "float z", "uchar red", "list uchar int view"]
_ROWS = [(*row, 7, [1] * (at % 3)) for at, row in enumerate(_XYZ.tolist())]
_FACES = ("face", ["list uchar int vertex_indices"], [([0, 1, 2],), ([3, 4, 5, 6],)])


def _npz() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, points=_XYZ, label=np.arange(COUNT))
    return file.getvalue()


def whole_files() -> dict[str, bytes]:
    """One file, or more, of each format that needs no further library."""
    text = "".join(f"{x},{y},{z},3\n" for x, y, z in _XYZ.tolist())
    files = {f"{data}.pcd": pcd(_FIELDS, COUNT, data) for data in ("ascii", "binary")}
    files["packed.pcd"] = pcd(_FIELDS, COUNT, "binary_compressed")
    for form in ("ascii", "binary_little_endian", "binary_big_endian"):
        files[f"{form}.ply"] = ply([("vertex", _PROPERTIES, _ROWS), _FACES], form)
        files[f"{form}_last.ply"] = ply([_FACES, ("vertex", _PROPERTIES[:4], _shortened())], form)
    return {**files, "text.csv": b"x,y,z,label\n" + text.encode(), "arrays.npz": _npz()}


def _shortened() -> list[tuple]:
    return [row[:4] for row in _ROWS]


def _map_file(rng: np.random.Generator, folder: Path) -> Path:
    return _written(folder, rng, list(whole_files()))


def _mesh_file(rng: np.random.Generator, folder: Path) -> Path:
    return _written(folder, rng, [name for name in whole_files() if name.endswith(".ply")])


def _written(folder: Path, rng: np.random.Generator, names: list[str]) -> Path:
    path = folder / one_of(rng, names)
    path.write_bytes(damaged(whole_files()[path.name], rng))
    return path


def _take_map_file(path: Path) -> None:
    point_map = load_map(path)
    assert np.isfinite(point_map.points).all() and len(point_map) <= COUNT, "points of nowhere"
    lengths = {len(cue) for cue in point_map.cues.values()}
    assert lengths <= {len(point_map)}, "cues that do not fit the points"


def _take_mesh_file(path: Path) -> None:
    vertices, triangles = read_mesh(path)
    assert np.isfinite(vertices).all(), "vertices that are not finite"
    assert triangles.max(initial=0) < len(vertices), "triangles of no vertices"


KINDS = {
    "map file": Kind(_map_file, _take_map_file),
    "mesh file": Kind(_mesh_file, _take_mesh_file),
}
