"""Keypoint and map clouds as no driver should send them, and what a localiser may answer."""

from __future__ import annotations

import array
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import landmarks
import numpy as np
import torch
from fuzz.damage import ODD_NAMES, odd_count, one_of, with_odd_numbers
from fuzz.kind import Kind
from fuzz.lenses import camera_info

from bpnp_ros.configuration.parameters import (
    KeypointConfig,
    LocalizationSettings,
    LocalizerConfig,
)
from bpnp_ros.errors import MapError
from bpnp_ros.localizer.types import Fix
from bpnp_ros.runtime.answering import Answering
from bpnp_ros.runtime.cameras import Cameras
from bpnp_ros.runtime.engine import Engine
from bpnp_ros.runtime.maps import Maps
from bpnp_ros.runtime.packing import pack

CONFIG = LocalizerConfig(
    motion="floor",
    camera_mounting="up",
    camera_height_min=0.45,
    camera_height_max=0.55,
    use_likelihood_search=False,
)
NEAR = 0.3  # metres and about radians; a pose further from the true one is made up


@dataclass(frozen=True, eq=False)
class Camera:
    """A robot's camera below lamps: where it is, and what it reports there, pixels (M, 2)."""

    T_map_camera: np.ndarray
    pixels: np.ndarray


@cache
def lamps() -> np.ndarray:
    return landmarks.ceiling_lamps(np.random.default_rng(0))


def a_camera(rng: np.random.Generator) -> Camera:
    """At a random place from where it sees at least eight lamps."""
    while True:
        position = np.append(rng.uniform([4, 3], [16, 9]), 0.5)
        tilt = 0.005 * rng.normal(size=2)
        T = landmarks.held("up", rng.uniform(-np.pi, np.pi), position, tilt)
        pixels = landmarks.report(lamps(), T, rng)
        if len(pixels) >= 8:
            return Camera(T, pixels)


def cloud(columns: dict[str, np.ndarray], frame: str) -> SimpleNamespace:
    """A cloud as a driver should send it."""
    packed = pack(columns)
    stamp = SimpleNamespace(sec=1_700_000_000, nanosec=5)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=stamp, frame_id=frame),
        height=1,
        width=packed.width,
        fields=[SimpleNamespace(**field) for field in packed.fields],
        is_bigendian=False,
        point_step=packed.point_step,
        row_step=len(packed.data),
        data=packed.data,
        is_dense=packed.is_dense,
    )


def damage_cloud(message: SimpleNamespace, rng: np.random.Generator) -> None:
    """Change one to three of its parts to what the wire can carry."""
    for _ in range(rng.integers(1, 4)):
        kind = rng.integers(6)
        if kind == 0:
            name = one_of(rng, ("height", "width", "point_step", "row_step"))
            setattr(message, name, odd_count(rng))
        elif kind == 1 and message.fields:
            _damage_field(message.fields, rng)
        elif kind == 2:
            message.is_bigendian = bool(rng.integers(2))
        elif kind == 3:
            message.header.frame_id = one_of(rng, ODD_NAMES)
        elif kind == 4:
            message.header.stamp.sec = one_of(rng, (0, -1, -(1 << 31), (1 << 31) - 1))
        else:
            message.data = _damaged_data(message.data, rng)
    message.data = one_of(rng, (bytes, _as_array, _as_numpy))(message.data)


def _damage_field(fields: list[SimpleNamespace], rng: np.random.Generator) -> None:
    field = one_of(rng, fields)
    kind = rng.integers(6)
    if kind == 0:
        field.name = one_of(rng, (*ODD_NAMES, "u", "x", "score", "rgb"))
    elif kind == 1:
        field.datatype = int(rng.integers(12))
    elif kind == 2:
        field.offset = odd_count(rng)
    elif kind == 3:
        field.count = odd_count(rng)
    elif kind == 4:
        fields.remove(field)
    else:
        fields.append(SimpleNamespace(**vars(field)))


def _damaged_data(data: bytes, rng: np.random.Generator) -> bytes:
    kind, at = rng.integers(3), int(rng.integers(len(data) + 1))
    return (data[:at], data + rng.bytes(at), rng.bytes(len(data)))[kind]


def _as_array(data: bytes) -> array.array:
    return array.array("B", data)


def _as_numpy(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


def _columns(values: np.ndarray, names: str, rng: np.random.Generator) -> dict[str, Any]:
    """float32, or float64, of values (M, len(names)); a score and cues beside them, at times."""
    real = one_of(rng, ("f4", "f8"))
    beside = [name for name in ("score", "size", "label", "rgb") if rng.random() < 0.2]
    with np.errstate(over="ignore"):
        columns = {name: column.astype(real) for name, column in zip(names, values.T, strict=True)}
        odd = {name: with_odd_numbers(rng.random(len(values)), rng) for name in beside}
        return {**columns, **{name: column.astype("f4") for name, column in odd.items()}}


def _odd_values(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The values (M, C): as they are, some odd, none, one again and again, or many random ones."""
    kind = rng.integers(6)
    if kind == 0:
        return values[:0]
    if kind == 1:
        return np.repeat(values[:1], len(values), axis=0)
    if kind == 2:
        return with_odd_numbers(values, rng)
    if kind == 3:
        spread = float(one_of(rng, (1e-6, 1.0, 500.0, 1e6, 1e30)))
        return spread * rng.normal(size=(rng.integers(1, 3000), values.shape[1]))
    return values


def _keypoints(rng: np.random.Generator, folder: Path) -> tuple[Camera, SimpleNamespace]:
    camera = a_camera(rng)
    values, names = camera.pixels, "uv"
    if rng.random() < 0.2:
        K = landmarks.CAMERA.K
        rays = np.linalg.solve(K, np.column_stack([values, np.ones(len(values))]).T).T
        values, names = rays, "xyz"
    message = cloud(_columns(_odd_values(values, rng), names, rng), "camera")
    damage_cloud(message, rng)
    return camera, message


@cache
def _maps() -> Maps:
    settings = LocalizationSettings(memory_limit=1.0)
    return Maps(settings, Engine(CONFIG, torch.device("cpu"), None))


@cache
def _lamp_map() -> Any:
    maps = Maps(LocalizationSettings(), Engine(CONFIG, torch.device("cpu"), None))
    message: Any = cloud(dict(zip("xyz", lamps().T, strict=True)), "map")
    assert maps.take(message), maps.refusal
    return maps


def _answering(maps: Maps) -> Answering:
    cameras = Cameras(maps.settings, KeypointConfig())
    cameras.update(camera_info())
    return Answering(maps, cameras, lambda: None)


def _take_keypoints(given: tuple[Camera, Any]) -> None:
    """A fix is of the true pose, or made up."""
    (camera, message), maps = given, _lamp_map()
    answering = _answering(maps)
    maps.active.localizer.reset()
    answer = answering.answer(message, 0)
    if isinstance(answer, Fix):
        away = float(np.abs(answer.T_map_camera - camera.T_map_camera).max())
        assert away < NEAR, f"made up: a fix {away:.3g} from the true pose"
        assert np.isfinite(answer.covariance).all(), "a covariance that is not finite"


def _map(rng: np.random.Generator, folder: Path) -> SimpleNamespace:
    message = cloud(_columns(_odd_values(lamps(), rng), "xyz", rng), "map")
    damage_cloud(message, rng)
    return message


def _take_map(message: Any) -> None:
    maps = _maps()
    if not maps.take(message):
        assert not re.match(r"map refused: \w+: ", maps.refusal), maps.refusal
        raise MapError(maps.refusal)
    assert maps.active is not None
    points = maps.active.localizer.map_model.point_map.points
    assert len(points) and np.isfinite(points).all(), "a map that is not finite"


KINDS = {
    "keypoints": Kind(_keypoints, _take_keypoints),
    "map message": Kind(_map, _take_map),
}
