"""Mesh files: polygons of any shape become triangles that cover the same surface."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from map_files import ply

from bpnp_ros.errors import MapError
from bpnp_ros.point_map.mesh_file import read_mesh

FORMS = ["ascii", "binary_little_endian", "binary_big_endian"]
L_SHAPE = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]  # area 3
VERTICES = [(float(x), float(y), 0.5 * x) for x, y in L_SHAPE]
TILT = np.hypot(1, 0.5)
VERTEX = ("vertex", ["float x", "float y", "float z"], VERTICES)
CORNERS = "list uchar int vertex_indices"


def area(path: Path) -> float:
    vertices, triangles = read_mesh(path)
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    return float(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())


def face(*polygons: list[int]) -> tuple[str, list[str], list[tuple]]:
    return "face", [CORNERS], [(polygon,) for polygon in polygons]


SURFACES: dict[str, Any] = {
    "triangles": ([VERTEX, face([0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5])], 3),
    "quads and a triangle": ([VERTEX, face([0, 1, 2, 3], [0, 3, 4, 5])], 3),
    "a concave polygon": ([VERTEX, face([0, 1, 2, 3, 4, 5])], 3),
    "the other way round": ([VERTEX, face([5, 4, 3, 2, 1, 0])], 3),
    "concave quads": ([VERTEX, face([0, 2, 3, 4], [3, 4, 0, 2])], 2),
    "a line": ([VERTEX, face([0, 1], [0, 1, 2])], 1),
    "faces first": ([face([0, 1, 2, 3], [0, 3, 4, 5]), VERTEX], 3),
    "a strip": (
        [VERTEX, ("tristrips", ["list int int vertex_indices"], [([0, 1, 3, 2, -1, 0, 3, 5, 4],)])],
        3,
    ),
    "other lists": (
        [
            VERTEX,
            (
                "face",
                ["uchar flags", "list uchar float texcoord", CORNERS, "list uchar int edge"],
                [(7, [0.5] * 6, [0, 1, 2], []), (7, [], [0, 2, 3], [1, 2])],
            ),
        ],
        1.5,
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SURFACES)
def test_faces_of_any_shape_keep_their_area(name: str, form: str, tmp_path: Path) -> None:
    elements, expected = SURFACES[name]
    (tmp_path / "mesh.ply").write_bytes(ply(elements, form))
    assert area(tmp_path / "mesh.ply") == pytest.approx(expected * TILT)


@pytest.mark.parametrize("corner", [-1, 6, 2_000_000_000])
def test_a_corner_that_is_no_vertex_is_refused(corner: int, tmp_path: Path) -> None:
    (tmp_path / "mesh.ply").write_bytes(ply([VERTEX, face([0, 1, corner])], FORMS[1]))
    with pytest.raises(MapError, match=f"a face at vertex {corner}, but only 6 vertices"):
        read_mesh(tmp_path / "mesh.ply")


@pytest.mark.parametrize("suffix", [".obj", ".stl", ".off", ".glb"])
def test_other_mesh_files_are_read(suffix: str, tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    trimesh.creation.box().export(tmp_path / f"box{suffix}")
    assert area(tmp_path / f"box{suffix}") == pytest.approx(6)
    (tmp_path / f"box{suffix}").write_bytes(b"\xff\x00garbage" * 40)
    with pytest.raises(MapError, match="box"):
        read_mesh(tmp_path / f"box{suffix}")


def test_a_file_that_is_no_mesh_is_named(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="is not a mesh; known are"):
        read_mesh(tmp_path / "mesh.pdf")
    with pytest.raises(MapError, match="No such file"):
        read_mesh(tmp_path / "mesh.ply")
