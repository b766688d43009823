"""Map files as they are met: what stands beside the positions does not matter, cues are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from map_files import Column, pcd, ply, stored_lzf

from bpnp_ros.errors import MapError
from bpnp_ros.point_map.formats import lzf, read_cloud
from bpnp_ros.point_map.loading import load_map

RNG = np.random.default_rng(3)
N = 40
SINGLE = RNG.uniform(-5, 5, (N, 3)).astype(np.float32)
WHOLE = RNG.integers(-50, 50, (N, 3))
RGB = RNG.integers(0, 256, (N, 3))
PACKED = RGB @ (1 << 16, 1 << 8, 1)
XYZ: list[Column] = [(axis, "F4", 1, SINGLE[:, at]) for at, axis in enumerate("xyz")]
PAD: list[Column] = [("_", "U1", 4, None)]
LONG_PAD: list[Column] = [("_", "U1", 12, None)]
INTENSITY: list[Column] = [("intensity", "F4", 1, np.arange(N))]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


PCD_FILES = {
    "as PCL writes XYZI": pcd(XYZ + PAD + INTENSITY + LONG_PAD, N),
    "normal_x alone": pcd([*XYZ, ("normal_x", "F4", 1, None)], N),
    "a histogram": pcd([("fpfh", "F4", 33, None), *XYZ], N),
    "packed": pcd(XYZ + PAD + INTENSITY + LONG_PAD, N, "binary_compressed"),
    "capitals": pcd(XYZ, N, "BINARY"),
    "ascii": pcd(XYZ + PAD + INTENSITY, N, "ascii"),
    "no POINTS": pcd(XYZ, N, POINTS=""),
    "no WIDTH": pcd(XYZ, N, WIDTH="", HEIGHT=""),
    "no COUNT, no VIEWPOINT": pcd(XYZ, N, COUNT="", VIEWPOINT=""),
    "0.5": pcd(XYZ, N, "ascii", VERSION="", FIELDS="", COLUMNS="x y z", SIZE="", TYPE="", COUNT="")
    .replace(b"DATA ascii\n", b"")
    .replace(b"COLUMNS x y z\n", b"COLUMNS x y z\nDATA ascii\n"),
    "a long comment": pcd(XYZ, N).replace(b"VERSION", b"# " + b"q" * 100_000 + b"\nVERSION"),
    "a remark in Latin-1": pcd(XYZ, N).replace(b"VERSION", b"# K\xf6ln\nVERSION"),
    "small letters": pcd(XYZ, N).replace(b"FIELDS", b"fields").replace(b"POINTS", b"points"),
    "a moved sensor": pcd(XYZ, N, VIEWPOINT="1 2 3 0 1 0 0"),
}
PCD_FILES["lines as on Windows"] = PCD_FILES["ascii"].replace(b"\n", b"\r\n")


@pytest.mark.parametrize("name", PCD_FILES)
def test_a_pcd_file_gives_its_points_to_the_bit(name: str, tmp_path: Path) -> None:
    cloud = read_cloud(write(tmp_path / "map.pcd", PCD_FILES[name]))
    np.testing.assert_array_equal(cloud.points, SINGLE.astype(np.float64))


@pytest.mark.parametrize("data", ["ascii", "binary", "binary_compressed"])
@pytest.mark.parametrize("kind", ["F8", "I4", "I2", "I1"])
def test_positions_of_any_number_type_are_read(kind: str, data: str, tmp_path: Path) -> None:
    columns = [(axis, kind, 1, WHOLE[:, at]) for at, axis in enumerate("xyz")]
    cloud = read_cloud(write(tmp_path / "map.pcd", pcd(columns, N, data)))
    np.testing.assert_array_equal(cloud.points, WHOLE)


REFUSED_PCD = {
    "unknown kind": (pcd(XYZ, N, "gzip", DATA="gzip"), "DATA 'gzip'; known are ascii, binary"),
    "half rows": (pcd(XYZ, N, "ascii")[:-20], "line 5[01] of .* is not 3 numbers|39 of 40"),
    "two counts": (pcd(XYZ, N, POINTS="39"), "POINTS 39, but WIDTH x HEIGHT is 40"),
    "no count": (pcd(XYZ, N, POINTS="", WIDTH=""), "neither POINTS nor WIDTH"),
    "mistyped size": (pcd(XYZ, N, SIZE="4 four 4"), "SIZE is 'four'"),
    "a word too few": (pcd(XYZ, N, TYPE="F F"), "3 fields, but 2 words in the line TYPE"),
    "10^12 points": (pcd(XYZ, N, POINTS=str(10**12), WIDTH=str(10**12)), "more than 30000000"),
    "10^12 numbers": (pcd(XYZ, N, COUNT=f"1 1 {10**12}"), "bytes a point"),
}


@pytest.mark.parametrize("name", REFUSED_PCD)
def test_a_pcd_file_that_cannot_be_right_is_refused(name: str, tmp_path: Path) -> None:
    content, complaint = REFUSED_PCD[name]
    with pytest.raises(MapError, match=complaint):
        read_cloud(write(tmp_path / "map.pcd", content))


def test_lzf_unpacks_literals_and_repetitions() -> None:
    plain = RNG.bytes(100) + b"\7" * 5000 + RNG.bytes(33)
    packed = stored_lzf(plain)
    assert len(packed) < 1500
    assert lzf.unpack(packed, len(plain)) == plain


FORMS = ["ascii", "binary_little_endian", "binary_big_endian"]
ROWS = [tuple(row) for row in SINGLE.tolist()]
PLAIN = ["float x", "float y", "float z"]
FACE = ("face", ["list uchar int vertex_indices"], [([0, 1, 2],), ([0, 1, 2, 3],)])
LISTS: dict[str, Any] = {
    "after": ([*PLAIN, "list uchar uint view"], lambda r, v: (*r, v)),
    "before": (["list uchar uint view", *PLAIN], lambda r, v: (v, *r)),
    "between": ([PLAIN[0], "list int double d", *PLAIN[1:]], lambda r, v: (r[0], v, *r[1:])),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("place", LISTS)
def test_lists_beside_the_positions_do_not_matter(
    place: str, ragged: bool, form: str, tmp_path: Path
) -> None:
    properties, build = LISTS[place]
    rows = [build(row, [1] * (at % 3 if ragged else 2)) for at, row in enumerate(ROWS)]
    elements: list[Any] = [("vertex", properties, rows)]
    path = write(tmp_path / "map.ply", ply(elements, form))
    np.testing.assert_array_equal(read_cloud(path).points, SINGLE)


@pytest.mark.parametrize("form", FORMS)
def test_elements_may_come_in_any_order(form: str, tmp_path: Path) -> None:
    camera = ("camera", ["double f"], [(1.5,)])
    elements: list[Any] = [camera, FACE, ("vertex", PLAIN, ROWS), camera]
    path = write(tmp_path / "map.ply", ply(elements, form))
    np.testing.assert_array_equal(read_cloud(path).points, SINGLE)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["uchar", "ushort", "float"])
def test_colours_of_any_depth_are_eight_bits(kind: str, form: str, tmp_path: Path) -> None:
    scaled = {"uchar": RGB, "ushort": RGB * 257, "float": RGB / 255}[kind].tolist()
    names = [f"{kind} {name}" for name in ("red", "green", "blue")]
    rows = [(*row, *rgb) for row, rgb in zip(ROWS, scaled, strict=True)]
    path = write(tmp_path / "map.ply", ply([("vertex", PLAIN + names, rows)], form))
    np.testing.assert_array_equal(load_map(path).cues["rgb"], RGB)


@pytest.mark.parametrize("data", ["ascii", "binary", "binary_compressed"])
@pytest.mark.parametrize("kind", ["U4", "F4"])
def test_packed_colours_are_unpacked(kind: str, data: str, tmp_path: Path) -> None:
    packed = PACKED.astype(np.uint32)
    packed = packed.view(np.float32) if kind == "F4" else packed
    path = write(tmp_path / "map.pcd", pcd([*XYZ, ("rgb", kind, 1, packed)], N, data))
    np.testing.assert_array_equal(load_map(path).cues["rgb"], RGB)


def test_values_that_cannot_be_are_unknown(tmp_path: Path) -> None:
    label, size = np.arange(N, dtype=float), np.full(N, 0.2)
    label[:3], size[:3] = [np.nan, 1e12, 0.5], [np.nan, -1, np.inf]
    columns = [*XYZ, ("label", "F8", 1, label), ("size", "F8", 1, size)]
    cues = load_map(write(tmp_path / "map.pcd", pcd(columns, N))).cues
    assert cues["label"].tolist() == [-1, -1, -1, *range(3, N)]
    assert np.isnan(cues["size"]).tolist() == [True] * 3 + [False] * (N - 3)


TEXTS = {
    "spaces": "{} {} {}",
    "commas": "{},{},{}",
    "commas and spaces": "{}, {}, {}",
    "semicolons": "{};{};{}",
    "tabs": "{}\t{}\t{}\t7",
    "quotes": '"{}","{}","{}"',
    "remarks at the end": "{} {} {} # lamp",
    "spaces before": "   {}   {} {}",
}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", TEXTS)
def test_columns_of_text_may_be_divided_by_anything(name: str, end: str, tmp_path: Path) -> None:
    text = end.join(["# made by hand", "", *(TEXTS[name].format(*row) for row in ROWS), ""])
    np.testing.assert_array_equal(
        read_cloud(write(tmp_path / "map.xyz", text.encode())).points, SINGLE
    )


@pytest.mark.parametrize(
    "head", ["x,y,z,label,name", "\ufeffX,Y,Z,Class,Name", "# x,y,z,label,name"]
)
def test_a_head_line_names_the_columns(head: str, tmp_path: Path) -> None:
    rows = [f'{x},{y},{z},{at},"lamp, {at}"' for at, (x, y, z) in enumerate(ROWS)]
    cloud = read_cloud(write(tmp_path / "map.csv", "\n".join([head, *rows]).encode()))
    np.testing.assert_array_equal(cloud.points, SINGLE)
    assert cloud.cues["label"].tolist() == list(range(N))


def test_a_pts_file_begins_with_its_count(tmp_path: Path) -> None:
    rows = [f"{x} {y} {z} 12 1 2 3" for x, y, z in ROWS]
    path = write(tmp_path / "map.pts", "\n".join([str(N), *rows]).encode())
    np.testing.assert_array_equal(read_cloud(path).points, SINGLE)
    with pytest.raises(MapError, match="39 of 40 points"):
        read_cloud(write(path, "\n".join([str(N), *rows[:-1]]).encode()))


def test_cues_follow_their_points_through_cleaning(tmp_path: Path) -> None:
    points = np.vstack([SINGLE, SINGLE, np.full((1, 3), np.nan)])
    chance = np.concatenate([np.full(N, 0.3), np.full(N, 0.8), [0.5]])
    np.savez(tmp_path / "map.npz", points=points, detectability=chance, label=np.arange(2 * N + 1))
    assert load_map(tmp_path / "map.npz").cues["label"].tolist() == list(range(N, 2 * N))


@pytest.mark.parametrize("form", FORMS)
def test_values_are_those_of_plyfile(form: str, tmp_path: Path) -> None:
    plyfile = pytest.importorskip("plyfile")
    elements = [
        (
            "vertex",
            ["double x", "float y", "int z"],
            [(a, b, at) for at, (a, b, _) in enumerate(ROWS)],
        )
    ]
    path = write(tmp_path / "map.ply", ply(elements, form).replace(b"K\xf6ln", b"Bonn"))
    vertex = plyfile.PlyData.read(str(path))["vertex"]
    expected = np.stack([vertex[axis].astype(np.float64) for axis in "xyz"], axis=1)
    np.testing.assert_array_equal(read_cloud(path).points, expected)


@pytest.mark.parametrize("data", ["ascii", "binary", "binary_compressed"])
def test_values_are_those_of_open3d(data: str, tmp_path: Path) -> None:
    open3d = pytest.importorskip("open3d")
    path = tmp_path / "map.pcd"
    cloud = open3d.t.geometry.PointCloud(open3d.core.Tensor(SINGLE))
    open3d.t.io.write_point_cloud(
        str(path), cloud, write_ascii=data == "ascii", compressed=data == "binary_compressed"
    )
    expected = open3d.t.io.read_point_cloud(str(path)).point.positions.numpy()
    np.testing.assert_array_equal(read_cloud(path).points, expected.astype(np.float64))


@pytest.mark.parametrize("suffix", [".las", ".laz"])
def test_values_are_those_of_laspy(suffix: str, tmp_path: Path) -> None:
    laspy = pytest.importorskip("laspy")
    header = laspy.LasHeader(point_format=2, version="1.2")
    header.offsets, header.scales = [5e6, 4e5, 0], [1e-3] * 3
    scan = laspy.LasData(header)
    scan.x, scan.y, scan.z = (SINGLE.astype(np.float64) + header.offsets).T
    scan.red, scan.green, scan.blue = (RGB * 257).T
    scan.write(str(tmp_path / f"map{suffix}"))
    cloud = read_cloud(tmp_path / f"map{suffix}")
    np.testing.assert_array_equal(cloud.points, laspy.read(tmp_path / f"map{suffix}").xyz)
    np.testing.assert_array_equal(cloud.cues["rgb"], RGB)
