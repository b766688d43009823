"""Map files of every kind, whole and broken."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpnp_ros.errors import ConfigError, MapError
from bpnp_ros.point_map import npz
from bpnp_ros.point_map.formats import cloud
from bpnp_ros.point_map.loading import load_map, needs_scale

OFFSET = np.array([5_000_000.0, 400_000.0, 100.0])
POINTS = np.random.default_rng(0).uniform(-5, 5, (50, 3)) + OFFSET


def pcd_header(points: int, fields: str = "x y z", size: int = 8, data: str = "binary") -> bytes:
    columns = len(fields.split())
    return (
        f"# .PCD v0.7\nVERSION 0.7\nFIELDS {fields}\nSIZE{f' {size}' * columns}\n"
        f"TYPE{' F' * columns}\nCOUNT{' 1' * columns}\nWIDTH {points}\nHEIGHT 1\n"
        f"VIEWPOINT 0 0 0 1 0 0 0\nPOINTS {points}\nDATA {data}\n"
    ).encode()


def ply_header(points: int, fields: str = "x y z", data: str = "binary_little_endian") -> bytes:
    properties = "".join(f"property double {field}\n" for field in fields.split())
    return f"ply\nformat {data} 1.0\nelement vertex {points}\n{properties}end_header\n".encode()


def as_text(points: np.ndarray) -> bytes:
    return "".join(f"{x!r} {y!r} {z!r}\n" for x, y, z in points.tolist()).encode()


def write(path: Path, *parts: bytes) -> Path:
    path.write_bytes(b"".join(parts))
    return path


def write_npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def map_coordinates(path: Path, scale: float | None = None) -> np.ndarray:
    point_map = load_map(path, scale)
    return point_map.points + point_map.origin


WHOLE_FILES = {
    "binary.pcd": (pcd_header(50), POINTS.tobytes()),
    "text.pcd": (pcd_header(50, data="ascii"), as_text(POINTS)),
    "binary.ply": (ply_header(50), POINTS.tobytes()),
    "big_endian.ply": (ply_header(50, data="binary_big_endian"), POINTS.astype(">f8").tobytes()),
    "text.PLY": (ply_header(50, data="ascii"), as_text(POINTS)),
    "text.xyz": (b"# x y z\n", as_text(POINTS)),
}


@pytest.mark.parametrize("name", WHOLE_FILES)
def test_millimetres_survive_five_thousand_kilometres_off_the_origin(
    name: str, tmp_path: Path
) -> None:
    path = write(tmp_path / name, *WHOLE_FILES[name])
    np.testing.assert_allclose(map_coordinates(path), POINTS, atol=1e-6)


@pytest.mark.parametrize("key", ["points", "points3d"])
def test_an_npz_file_is_read_under_both_names(key: str, tmp_path: Path) -> None:
    path = write_npz(tmp_path / "map.npz", **{key: POINTS})
    np.testing.assert_allclose(map_coordinates(path), POINTS, atol=1e-6)


def test_detectability_comes_with_the_npz_file(tmp_path: Path) -> None:
    chance = np.linspace(0.1, 1, 50)
    path = write_npz(tmp_path / "map.npz", points=POINTS, detectability=chance)
    np.testing.assert_allclose(load_map(path).detectability, chance, rtol=1e-6)


def test_extra_columns_and_fields_are_ignored(tmp_path: Path) -> None:
    wide = np.column_stack([POINTS, np.ones(50)])
    pcd = write(tmp_path / "map.pcd", pcd_header(50, "x y z intensity"), wide.tobytes())
    xyz = write(tmp_path / "map.xyz", b"".join(b"%f %f %f 7 7\n" % tuple(p) for p in POINTS))
    np.testing.assert_allclose(map_coordinates(pcd), POINTS, atol=1e-6)
    np.testing.assert_allclose(map_coordinates(xyz), POINTS, atol=1e-5)


def test_the_scale_is_metres_per_unit(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "map.npz", points=POINTS)
    np.testing.assert_allclose(map_coordinates(path, scale=0.5), 0.5 * POINTS, atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_a_scale_that_is_no_positive_number_is_refused(scale: float, tmp_path: Path) -> None:
    path = write_npz(tmp_path / "map.npz", points=POINTS)
    with pytest.raises(ConfigError, match="map_scale"):
        load_map(path, scale)


def test_points_alone_need_no_scale(tmp_path: Path) -> None:
    assert not needs_scale(write_npz(tmp_path / "map.npz", points=POINTS))


BROKEN_FILES = {
    "empty.pcd": (b"", "is empty"),
    "empty.ply": (b"", "is empty"),
    "empty.xyz": (b"", "is empty"),
    "empty.npz": (b"", "is empty"),
    "garbage.pcd": (bytes(range(256)) * 4, "no valid .pcd header"),
    "garbage.ply": (bytes(range(256)) * 4, "no valid .ply header"),
    "garbage.xyz": (bytes(range(256)) * 4, "line 1 of .* is not x y z"),
    "garbage.npz": (bytes(range(256)) * 4, "no .npz file"),
    "zeros.pcd": (bytes(1000), "no valid .pcd header"),
    "no_vertices.ply": (
        b"ply\nformat ascii 1.0\nelement face 0\nend_header\n",
        "no element vertex",
    ),
    "no_format.ply": (ply_header(50).replace(b"format", b"formal"), "no valid .ply header"),
    "fields.pcd": (pcd_header(50, "a b c") + POINTS.tobytes(), "no field x or y or z"),
    "fields.ply": (
        ply_header(50, "x y w") + POINTS.tobytes(),
        "no field z of one number; its fields are x, y",
    ),
    "cut.pcd": (pcd_header(50) + POINTS[:20].tobytes() + b"12", "20 of 50 points"),
    "cut.ply": (ply_header(50) + POINTS[:20].tobytes() + b"12", "20 of 50 points"),
    "cut_text.pcd": (pcd_header(50, data="ascii") + as_text(POINTS[:20]), "20 of 50 points"),
    "cut_text.ply": (ply_header(50, data="ascii") + as_text(POINTS[:20]), "20 of 50 points"),
    "cut_compressed.pcd": (
        pcd_header(50, data="binary_compressed") + struct.pack("<II", 900, 1200) + bytes(100),
        "0 of 50 points",
    ),
    "damaged_compressed.pcd": (
        pcd_header(50, data="binary_compressed") + struct.pack("<II", 90, 1200) + b"\xff" * 90,
        "cannot be read",
    ),
    "words.ply": (
        ply_header(4, data="ascii") + b"1 2 3\n4 5 6\n7 oops 9\n1 1 1\n",
        "line 10 of .* is not 3 numbers: '7 oops 9'",
    ),
    "words.xyz": (b"1 2 3\n4 five 6\n", "line 2 of .* is not x y z"),
    "commas.xyz": (b"1,5 2,5 3,5\n", "line 1 .* with decimal points: '1,5 2,5 3,5'"),
    "two_columns.xyz": (b"1 2\n4 5\n", "line 1 of .* is not x y z"),
    "comments.xyz": (b"# nothing\n# here\n", "0 usable points"),
    "none.pcd": (pcd_header(0), "0 usable points"),
    "endless.pcd": (pcd_header(10**11), "more than 30000000; thin it"),
    "endless.ply": (ply_header(10**11), "more than 30000000; thin it"),
    "map.e57": (b"ASTM-E57", "known are .pcd, .ply, .npz, .xyz, .+ and COLMAP folders"),
}


@pytest.mark.parametrize("name", BROKEN_FILES)
def test_a_broken_file_is_named_with_what_is_wrong(name: str, tmp_path: Path) -> None:
    content, complaint = BROKEN_FILES[name]
    path = write(tmp_path / name, content)
    with pytest.raises(MapError, match=complaint) as caught:
        load_map(path)
    assert name in str(caught.value) or "usable points" in str(caught.value)


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="there is no map at"):
        load_map(tmp_path / "nowhere.pcd")
    with pytest.raises(MapError, match="holds no COLMAP model"):
        load_map(tmp_path)


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"vertices": POINTS}, "no array 'points' or 'points3d'; it has vertices"),
        ({"points": POINTS[:, :2]}, r"shape \(50, 2\)"),
        ({"points": POINTS.astype(complex)}, "complex128"),
        ({"points": np.array(["a", "b"])}, "real numbers"),
        ({"points": POINTS, "detectability": np.ones(3)}, r"detectability of shape \(3,\)"),
        ({"points": POINTS, "detectability": np.zeros(50)}, "detectability must be"),
        ({"points": np.zeros((0, 3))}, "0 usable points"),
    ],
)
def test_an_npz_file_with_other_arrays_is_refused(
    arrays: dict, complaint: str, tmp_path: Path
) -> None:
    path = write_npz(tmp_path / "map.npz", **arrays)
    with pytest.raises(MapError, match=complaint):
        load_map(path)


def test_pickled_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "map.npz", points=np.array([{"a": 1}, None], dtype=object))
    with pytest.raises(MapError, match="allow_pickle=False"):
        load_map(path)


def test_an_npz_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "map.npz", points=POINTS)
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(MapError, match="cut off"):
        load_map(path)


def test_an_npz_file_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz, "MOST_BYTES", 1000)
    with pytest.raises(MapError, match="unpacks to"):
        load_map(write_npz(tmp_path / "map.npz", points=POINTS))


def test_too_many_points_are_refused_in_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud, "MOST_POINTS", 49)
    files = [write(tmp_path / name, *parts) for name, parts in WHOLE_FILES.items()]
    files.append(write_npz(tmp_path / "map.npz", points=POINTS))
    for path in files:
        with pytest.raises(MapError, match="holds 50 points, more than 49"):
            load_map(path)


def test_a_text_file_of_gigabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.xyz"
    with path.open("wb") as file:
        file.truncate(3 << 30)  # sparse: takes no room
    with pytest.raises(MapError, match=r"3\.0 GiB"):
        load_map(path)
