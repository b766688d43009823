"""Read a COLMAP model, the folder with cameras, images and points3D as .bin or .txt."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import MapError

# name and number of parameters, in the order of COLMAP's model numbers
CAMERA_MODELS = (
    ("SIMPLE_PINHOLE", 3),
    ("PINHOLE", 4),
    ("SIMPLE_RADIAL", 4),
    ("RADIAL", 5),
    ("OPENCV", 8),
    ("OPENCV_FISHEYE", 8),
    ("FULL_OPENCV", 12),
    ("FOV", 5),
    ("SIMPLE_RADIAL_FISHEYE", 4),
    ("RADIAL_FISHEYE", 5),
    ("THIN_PRISM_FISHEYE", 12),
)
_TABLES = ("cameras", "images", "points3D")

Record = TypeVar("Record")


@dataclass(frozen=True)
class ColmapCamera:
    """As stored: pixel centres at +0.5, parameters in the order of the model."""

    model: str
    width: int
    height: int
    params: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class ColmapImage:
    """World-to-camera rotation and translation t; keypoints (M, 2) in pixels.

    point_ids: (M,) int64, COLMAP's own numbers, -1 for keypoints without a point.
    """

    name: str
    camera_id: int
    q_xyzw: NDArray[np.float64]
    t: NDArray[np.float64]
    keypoints: NDArray[np.float64]
    point_ids: NDArray[np.int64]


@dataclass(frozen=True)
class ColmapPoint:
    """A point of the model in its own unit, and the three bytes of its colour."""

    xyz: tuple[float, float, float]
    rgb: bytes


@dataclass(frozen=True)
class ColmapModel:
    """The three tables by COLMAP's own numbers."""

    cameras: dict[int, ColmapCamera]
    images: dict[int, ColmapImage]
    points: dict[int, ColmapPoint]


def read_colmap(folder: Path) -> ColmapModel:
    """Read the model in `folder`, or in its `sparse/0`, `sparse` or `0`.

    Raises MapError when there is none, a table is missing or was cut off, or a camera is of an
    unknown kind.
    """
    model = model_folder(folder)
    if model is None:
        raise MapError(
            f"{folder} holds no COLMAP model; give the folder with {', '.join(_TABLES)} "
            "(.bin or .txt), usually sparse/0."
        )
    cameras = _read_table(model, "cameras", _binary_camera, text_cameras)
    images = _read_table(model, "images", _binary_image, _text_images)
    points = _read_table(model, "points3D", _binary_point, _text_points)
    return ColmapModel(cameras, images, points)


def model_folder(folder: Path) -> Path | None:
    """Where the model of `folder` lies: there, or in its `sparse/0`, `sparse` or `0`; else None."""
    for candidate in (folder, folder / "sparse" / "0", folder / "sparse", folder / "0"):
        if any((candidate / f"points3D{suffix}").exists() for suffix in (".bin", ".txt")):
            return candidate
    return None


class _Bytes:
    """A binary table and how far it has been read."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    def take(self, layout: struct.Struct) -> tuple:
        values = layout.unpack_from(self._content, self._position)
        self._position += layout.size
        return values

    def array(self, dtype: np.dtype, count: int) -> NDArray:
        values = np.frombuffer(self._content, dtype, count, self._position)
        self._position += values.nbytes
        return values

    def text(self) -> str:
        end = self._content.index(b"\0", self._position)
        text = self._content[self._position : end].decode()
        self._position = end + 1
        return text

    def skip(self, size: int) -> None:
        self._position += size
        if self._position > len(self._content):
            raise ValueError("unexpected end")


def _read_table(
    folder: Path,
    table: str,
    binary_record: Callable[[_Bytes], tuple[int, Record]],
    text_records: Callable[[list[str]], Iterator[tuple[int, Record]]],
) -> dict[int, Record]:
    path = next((p for s in (".bin", ".txt") if (p := folder / f"{table}{s}").exists()), None)
    if path is None:
        raise MapError(f"{folder} has no {table}.bin and no {table}.txt; copy the whole model.")
    try:
        if path.suffix == ".txt":
            lines = path.read_text(encoding="utf-8").splitlines()
            return dict(text_records([line for line in lines if not line.startswith("#")]))
        content = _Bytes(path.read_bytes())
        (count,) = content.take(_COUNT)
        return dict(binary_record(content) for _ in range(count))
    except (struct.error, ValueError, OverflowError, OSError) as error:
        raise MapError(f"{path} was cut off or is damaged ({error}); copy it again.") from error


_COUNT = struct.Struct("<Q")
_CAMERA = struct.Struct("<IiQQ")
_IMAGE = struct.Struct("<I7dI")
_POINT = struct.Struct("<q3d3BdQ")
_TRACK_ELEMENT_BYTES = 8
_LARGEST_ID = 2.0**63
_KEYPOINT = np.dtype([("xy", "<f8", 2), ("point_id", "<i8")])


def _binary_camera(content: _Bytes) -> tuple[int, ColmapCamera]:
    number, model, width, height = content.take(_CAMERA)
    if not 0 <= model < len(CAMERA_MODELS):
        raise MapError(f"COLMAP camera {number} is of the unknown model number {model}.")
    name, count = CAMERA_MODELS[model]
    params = content.array(np.dtype("<f8"), count)
    return number, ColmapCamera(name, width, height, tuple(params.tolist()))


def _binary_image(content: _Bytes) -> tuple[int, ColmapImage]:
    number, *pose, camera_id = content.take(_IMAGE)
    name = content.text()
    (count,) = content.take(_COUNT)
    keypoints = content.array(_KEYPOINT, count)
    q_xyzw, t = _split(pose)
    xy, point_ids = keypoints["xy"], keypoints["point_id"]
    return number, ColmapImage(name, camera_id, q_xyzw, t, xy, point_ids)


def _binary_point(content: _Bytes) -> tuple[int, ColmapPoint]:
    number, x, y, z, red, green, blue, _, track_length = content.take(_POINT)
    content.skip(_TRACK_ELEMENT_BYTES * track_length)
    return number, ColmapPoint((x, y, z), bytes((red, green, blue)))


def _split(pose: list) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """COLMAP writes qw qx qy qz tx ty tz."""
    values = np.array(pose, np.float64)
    if len(values) != 7:
        raise ValueError(f"an image has a pose of {len(values)} numbers")
    return values[[1, 2, 3, 0]], values[4:]


def text_cameras(lines: list[str]) -> Iterator[tuple[int, ColmapCamera]]:
    for line in filter(str.strip, lines):
        number, model, width, height, *params = line.split()
        values = tuple(float(value) for value in params)
        if dict(CAMERA_MODELS).get(model, len(values)) != len(values):
            raise ValueError(f"camera {number} has {len(values)} parameters")
        yield int(number), ColmapCamera(model, int(width), int(height), values)


def _text_images(lines: list[str]) -> Iterator[tuple[int, ColmapImage]]:
    """Two lines an image; the second, its keypoints, may be empty."""
    if len(lines) % 2:
        lines = [*lines, ""] if lines[-1].strip() else lines[:-1]
    for head, body in zip(lines[::2], lines[1::2], strict=True):
        number, *pose, camera_id, name = head.split(maxsplit=9)
        q_xyzw, t = _split(pose)
        rows = np.array(body.split(), np.float64).reshape(-1, 3)
        if not (np.abs(rows[:, 2]) < _LARGEST_ID).all():
            raise ValueError(f"image {number} has keypoints of points without a number")
        point_ids = rows[:, 2].astype(np.int64)
        yield int(number), ColmapImage(name, int(camera_id), q_xyzw, t, rows[:, :2], point_ids)


def _text_points(lines: list[str]) -> Iterator[tuple[int, ColmapPoint]]:
    for line in filter(str.strip, lines):
        number, x, y, z, red, green, blue, *_ = line.split(maxsplit=8)
        xyz, rgb = (float(x), float(y), float(z)), bytes((int(red), int(green), int(blue)))
        yield int(np.int64(number)), ColmapPoint(xyz, rgb)  # as narrow as in the binary form
