"""Calibrations of cameras as the usual tools write them.

ROS's camera_calibration (YAML), OpenCV's FileStorage (YAML, XML), Kalibr's camchain (YAML),
COLMAP's cameras.txt, Basalt's calibration (JSON).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import yaml

from bpnp_ros.errors import BpnpError, CameraError
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.point_map.sfm.colmap import CAMERA_MODELS, text_cameras
from bpnp_ros.point_map.sfm.colmap_camera import camera_from_colmap

Values = dict[str, Any]

KNOWN = (
    "it must be of camera_calibration (ROS), OpenCV (YAML, XML), Kalibr (camchain.yaml), COLMAP "
    "(cameras.txt) or Basalt (JSON), with the size of the image, the matrix and the distortion"
)
_NAMES = {  # ours: as tools and OpenCV's samples name it
    "width": ("image_width", "image_Width", "width"),
    "height": ("image_height", "image_Height", "height"),
    "K": ("camera_matrix", "Camera_Matrix", "cameraMatrix", "K"),
    "D": ("distortion_coefficients", "Distortion_Coefficients", "distCoeffs", "dist_coeffs", "D"),
}
_BASALT = {  # camera type: the model and its coefficients in ROS
    "pinhole": ("plumb_bob", ()),
    "kb4": ("equidistant", ("k1", "k2", "k3", "k4")),
    "pinhole-radtan8": (
        "rational_polynomial",
        ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
    ),
}
_DAMAGE = (
    *(OSError, yaml.YAMLError, ElementTree.ParseError, KeyError, IndexError, TypeError),
    *(ValueError, AttributeError, RecursionError, ArithmeticError),
)


def read_cameras(path: Path) -> list[Camera]:
    """The cameras that a calibration is of. Raises CameraError that names the file."""
    try:
        cameras = _cameras(path.read_text(encoding="utf-8"))
    except BpnpError as error:
        raise CameraError(f"{path}: {error}") from error
    except _DAMAGE as error:
        raise CameraError(
            f"{path} cannot be read as a calibration ({error!r}); {KNOWN}."
        ) from error
    if not cameras:
        raise CameraError(f"{path} holds no camera; {KNOWN}.")
    return cameras


def _cameras(text: str) -> list[Camera]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    words = lines[0].split() if lines else []
    if len(words) > 4 and words[1] in dict(CAMERA_MODELS):
        return [camera_from_colmap(camera) for _, camera in text_cameras(lines)]
    if text.lstrip().startswith("<"):
        return [_of_matrices(_from_xml(text))]
    values = yaml.load(text.removeprefix("%YAML:1.0"), _Loader)
    if "value0" in values:
        return _of_basalt(values["value0"])
    chain = [
        entry for entry in values.values() if isinstance(entry, dict) and "intrinsics" in entry
    ]
    return [_of_kalibr(entry) for entry in chain] if chain else [_of_matrices(values)]


class _Loader(yaml.SafeLoader):
    """OpenCV's matrices are mappings like any other."""


_Loader.add_constructor(
    "tag:yaml.org,2002:opencv-matrix", lambda loader, node: loader.construct_mapping(node, True)
)


def _from_xml(text: str) -> Values:
    """OpenCV's XML in the terms of its YAML."""
    root = ElementTree.fromstring(text)

    def value(entry: ElementTree.Element) -> Any:
        data = entry.find("data")
        return (entry.text or "").strip() if data is None else {"data": (data.text or "").split()}

    return {entry.tag: value(entry) for entry in root}


def _of_matrices(values: Values) -> Camera:
    found = {
        ours: next((values[name] for name in names if name in values), None)
        for ours, names in _NAMES.items()
    }
    if found["width"] is None or found["height"] is None:
        raise CameraError(f"the size of the image is missing; {KNOWN}.")
    fisheye = str(values.get("fisheye_model", 0)).strip() not in ("0", "False", "false")
    model = str(values.get("distortion_model", "equidistant" if fisheye else "plumb_bob"))
    K = _numbers(found["K"]).reshape(3, 3)
    D = () if found["D"] is None else tuple(_numbers(found["D"]).tolist())
    return Camera(K, int(found["width"]), int(found["height"]), model, D)


def _numbers(matrix: Any) -> np.ndarray:
    """A mapping with `data`, or rows of numbers, flat."""
    return np.array(matrix["data"] if isinstance(matrix, dict) else matrix, np.float64).ravel()


def _of_kalibr(entry: Values) -> Camera:
    if entry["camera_model"] != "pinhole":
        raise CameraError(
            f"camera_model '{entry['camera_model']}' has no equal in ROS; calibrate with Kalibr's "
            "pinhole-radtan or pinhole-equi."
        )
    model = str(entry.get("distortion_model", "none"))
    D = tuple(float(value) for value in entry.get("distortion_coeffs", ()))
    fx, fy, cx, cy = (float(value) for value in entry["intrinsics"])
    width, height = (int(size) for size in entry["resolution"])
    return Camera(_matrix(fx, fy, cx, cy), width, height, model, D)


def _of_basalt(values: Values) -> list[Camera]:
    cameras = []
    for camera, (width, height) in zip(values["intrinsics"], values["resolution"], strict=True):
        kind, lens = camera["camera_type"], camera["intrinsics"]
        if kind not in _BASALT:
            raise CameraError(
                f"camera_type '{kind}' has no equal in ROS; calibrate as {', '.join(_BASALT)}."
            )
        model, names = _BASALT[kind]
        K = _matrix(*(float(lens[name]) for name in ("fx", "fy", "cx", "cy")))
        D = tuple(float(lens[name]) for name in names)
        cameras.append(Camera(K, int(width), int(height), model, D))
    return cameras


def _matrix(fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
