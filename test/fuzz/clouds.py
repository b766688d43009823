"""Keypoints and maps as no driver should send them, and what a localiser may answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import landmarks
import numpy as np
import torch
from fuzz.cloud_messages import cloud, columns_of, damage_cloud, odd_values
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
from bpnp_ros.runtime.tf_buffer import TransformBuffer
from bpnp_ros.weights.chosen import ChosenWeights

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


def _keypoints(rng: np.random.Generator, folder: Path) -> tuple[Camera, SimpleNamespace]:
    camera = a_camera(rng)
    values, names = camera.pixels, "uv"
    if rng.random() < 0.3:  # a detector that sees anything but lamps
        values = rng.uniform(0, (640, 480), (rng.integers(3, 200), 2))
    if rng.random() < 0.2:
        K = landmarks.CAMERA.K
        rays = np.linalg.solve(K, np.column_stack([values, np.ones(len(values))]).T).T
        values, names = rays, "xyz"
    message = cloud(columns_of(odd_values(values, rng), names, rng), "camera")
    if rng.random() < 0.5:
        damage_cloud(message, rng)
    return camera, message


@cache
def _maps() -> Maps:
    settings = LocalizationSettings(memory_limit=1.0)
    return Maps(settings, Engine(CONFIG, torch.device("cpu"), ChosenWeights()))


@cache
def _lamp_map() -> Any:
    maps = Maps(LocalizationSettings(), Engine(CONFIG, torch.device("cpu"), ChosenWeights()))
    message: Any = cloud(dict(zip("xyz", lamps().T, strict=True)), "map")
    assert maps.take(message), maps.refusal
    return maps


def _answering(maps: Maps) -> Answering:
    cameras = Cameras(maps.settings, KeypointConfig())
    cameras.update(camera_info())
    return Answering(maps, cameras, TransformBuffer().lookup, lambda: None)


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
    message = cloud(columns_of(odd_values(lamps(), rng), "xyz", rng), "map")
    if rng.random() < 0.5:
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
