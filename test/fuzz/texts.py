"""Trajectories, parameter files, calibrations and settings with damage."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from fuzz.damage import ODD_NAMES, ODD_REALS, damaged, one_of
from fuzz.kind import Kind

from bpnp_ros.evaluation.tum import read_tum
from bpnp_ros.replay.configuration import configuration, read_parameters
from bpnp_ros.runtime.reference import yaml_text
from training.own_map.camera_file import read_cameras
from training.own_map.config import OwnMapConfig

_ODD_VALUES: tuple[Any, ...] = (
    *ODD_REALS,
    *ODD_NAMES,
    None,
    True,
    [],
    [1, "x"],
    {},
    {"a": 1},
    10**30,
    -5,
    1,
)
_ODD_CHARACTERS = "\x00\ufeff\u2028٣_,;#%\t\r\n-+.eE'\"[]{}:&*!|>"
_CALIBRATION = {
    "image_width": 640,
    "image_height": 480,
    "camera_name": "camera",
    "camera_matrix": {"rows": 3, "cols": 3, "data": [400.0, 0, 320, 0, 400, 240, 0, 0, 1]},
    "distortion_model": "plumb_bob",
    "distortion_coefficients": {"rows": 1, "cols": 5, "data": [-0.2, 0.05, 0.0, 0.0, 0.0]},
}


def _odd_text(text: str, rng: np.random.Generator) -> bytes:
    """Damaged as bytes, or with odd characters and words in it."""
    if rng.random() < 0.5:
        return damaged(text.encode(), rng)
    for _ in range(rng.integers(1, 6)):
        at = int(rng.integers(len(text) + 1))
        odd = one_of(rng, (*_ODD_CHARACTERS, *map(str, ODD_REALS), "1" * 400, "[" * 2000))
        text = text[:at] + odd + text[at + int(rng.integers(3)) :]
    return text.encode(one_of(rng, ("utf-8", "utf-8", "utf-16")))


def _tum(rng: np.random.Generator, folder: Path) -> Path:
    rows = rng.normal(size=(6, 7))
    rows[:, 3:] /= np.linalg.norm(rows[:, 3:], axis=1, keepdims=True)
    lines = [f"{1e9 + at:.6f} " + " ".join(map(repr, row.tolist())) for at, row in enumerate(rows)]
    return _written(folder / "trajectory.txt", _odd_text("\n".join(lines) + "\n", rng))


def _take_tum(path: Path) -> None:
    trajectory = read_tum(path)
    assert np.isfinite(trajectory.T_map_camera).all(), "poses that are not finite"
    assert (np.diff(trajectory.stamps_ns) > 0).all(), "stamps that do not ascend"


@cache
def _parameter_names() -> list[str]:
    return sorted(yaml.safe_load(yaml_text())["/**"]["ros__parameters"])


def _parameters(rng: np.random.Generator, folder: Path) -> Path:
    path = folder / "parameters.yaml"
    if rng.random() < 0.4:
        return _written(path, _odd_text(yaml_text(), rng))
    names = [*_parameter_names(), "mystery", "", 5, None]
    values = {one_of(rng, names): one_of(rng, _ODD_VALUES) for _ in range(rng.integers(1, 4))}
    sections = {one_of(rng, ("/**", "localization", "", 5)): {"ros__parameters": values}}
    return _written(path, yaml.safe_dump(sections).encode())


def _take_parameters(path: Path) -> None:
    configuration(read_parameters(path, []))


def _calibration(rng: np.random.Generator, folder: Path) -> Path:
    path, content = folder / "camera.yaml", dict[str, Any](_CALIBRATION)
    if rng.random() < 0.4:
        return _written(path, _odd_text(yaml.safe_dump(content), rng))
    for _ in range(rng.integers(1, 3)):
        name = one_of(rng, sorted(content))
        if isinstance(content[name], dict) and rng.random() < 0.7:
            data = list(content[name]["data"])
            data[int(rng.integers(len(data)))] = one_of(rng, _ODD_VALUES)
            content[name] = {"data": data}
        else:
            content[name] = one_of(rng, _ODD_VALUES)
    return _written(path, yaml.safe_dump(content).encode())


def _take_calibration(path: Path) -> None:
    camera = read_cameras(path)[0]
    assert np.isfinite(camera.K).all() and camera.width > 0 and camera.height > 0, "no camera"


def _settings(rng: np.random.Generator, folder: Path) -> Path:
    names = ("minutes", "views", "seed", "width", "focal", "mystery")
    values = {one_of(rng, names): one_of(rng, _ODD_VALUES) for _ in range(rng.integers(1, 4))}
    text = yaml.safe_dump(values)
    content = text.encode() if rng.random() < 0.6 else _odd_text(text, rng)
    return _written(folder / "settings.yaml", content)


def _take_settings(path: Path) -> None:
    OwnMapConfig.load(path)


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


KINDS = {
    "TUM": Kind(_tum, _take_tum),
    "parameters": Kind(_parameters, _take_parameters),
    "calibration": Kind(_calibration, _take_calibration),
    "training settings": Kind(_settings, _take_settings),
}
