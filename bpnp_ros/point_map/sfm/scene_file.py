"""The .npz form of a scene from structure from motion: does it fit together, its cameras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import CameraError, MapError
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.point_map.sfm.colmap import CAMERA_MODELS, ColmapCamera
from bpnp_ros.point_map.sfm.colmap_camera import camera_from_colmap

Arrays = dict[str, NDArray[Any]]


_NEEDED = ("R", "t", "fx", "width", "height", "kp_offsets", "kp_xy", "kp_point3d")
KEYPOINT_CUES = {"size": (), "angle": (), "sign": (), "rgb": (3,)}  # what follows (M,)
_REAL, _WHOLE, _TEXT = "fiu", "iu", "SU"
_ROUNDING = 1e-2


def check_scene(arrays: Arrays, point_count: int, path: Path) -> None:
    """Raise MapError unless the arrays of a scene are all there and belong together."""
    missing = [name for name in _NEEDED if name not in arrays]
    if "cam_model" in arrays and "cam_params" not in arrays:
        missing.append("cam_params")
    if missing:
        raise MapError(f"{path} is a scene without the arrays {', '.join(missing)}.")
    _check_shapes(arrays, point_count, path)
    keypoints = len(arrays["kp_xy"])
    offsets, shown = arrays["kp_offsets"], arrays["kp_point3d"]
    if offsets[0] != 0 or offsets[-1] != keypoints or (offsets[1:] < offsets[:-1]).any():
        raise MapError(f"in {path} kp_offsets does not divide the {keypoints} keypoints.")
    if keypoints and (shown.min() < -1 or shown.max() >= point_count):
        raise MapError(f"in {path} kp_point3d names points beyond the {point_count} there are.")
    for name in ("R", "t", "fx", "kp_xy"):
        if not np.isfinite(arrays[name]).all():
            raise MapError(f"in {path} {name} holds numbers that are not finite.")
    R = arrays["R"].astype(np.float64)
    bent = np.abs(R @ R.transpose(0, 2, 1) - np.eye(3)).max(initial=0) > _ROUNDING
    if bent or (np.linalg.det(R) < 0).any():
        raise MapError(f"in {path} R holds matrices that are no rotations.")


def _check_shapes(arrays: Arrays, points: int, path: Path) -> None:
    images, keypoints = (arrays[name].shape[:1] for name in ("R", "kp_xy"))
    if not images or not keypoints:
        raise MapError(f"in {path} R or kp_xy is a single number; it is no scene.")
    one_more = (images[0] + 1,)
    parameters = arrays["cam_params"].shape[1:2] if "cam_params" in arrays else ()
    expected = {
        "R": ((*images, 3, 3), _REAL),
        "t": ((*images, 3), _REAL),
        "fx": (images, _REAL),
        "width": (images, _WHOLE),
        "height": (images, _WHOLE),
        "kp_offsets": (one_more, _WHOLE),
        "kp_xy": ((*keypoints, 2), _REAL),
        "kp_point3d": (keypoints, _WHOLE),
        "image_names": (images, _TEXT + _WHOLE),
        "cam_model": (images, _TEXT),
        "cam_params": ((*images, *(parameters or (1,))), _REAL),
        "points3d_rgb": ((points, 3), _WHOLE),
        **{f"kp_{cue}": ((*keypoints, *shape), _REAL) for cue, shape in KEYPOINT_CUES.items()},
    }
    for name, (shape, kinds) in expected.items():
        if name in arrays and (arrays[name].shape != shape or arrays[name].dtype.kind not in kinds):
            raise MapError(
                f"in {path} the shape of {name} is {arrays[name].shape}, its type "
                f"{arrays[name].dtype}; {images[0]} images, {keypoints[0]} keypoints and {points} "
                f"points need {shape}, "
                f"{_KINDS[kinds]}."
            )


_KINDS = {
    _REAL: "numbers",
    _WHOLE: "whole numbers",
    _TEXT: "text",
    _TEXT + _WHOLE: "text",
}


def scene_cues(arrays: Arrays) -> dict[str, NDArray[np.float32]]:
    """What a scene says of its keypoints beside their places, NaN for what cannot be."""
    cues = {}
    for name in KEYPOINT_CUES:
        if f"kp_{name}" in arrays:
            with np.errstate(over="ignore"):
                values = arrays[f"kp_{name}"].astype(np.float32)
            good = np.isfinite(values) & ((values > 0) | (name != "size"))
            cues[name] = np.where(good, values, np.float32(np.nan))
    return cues


def scene_camera(arrays: Arrays, image: int, path: Path) -> Camera:
    """The lens of one image; a pinhole with its centre in the middle where only fx is known."""
    width, height = int(arrays["width"][image]), int(arrays["height"][image])
    try:
        if "cam_model" in arrays:
            model = _text(arrays["cam_model"][image])
            count = dict(CAMERA_MODELS).get(model, 0)
            params = tuple(arrays["cam_params"][image, :count].tolist())
            if len(params) < count:
                raise CameraError(f"{model} has {count} parameters, not {len(params)}.")
            return camera_from_colmap(ColmapCamera(model, width, height, params))
        f = float(arrays["fx"][image])
        K = np.array([[f, 0, width / 2], [0, f, height / 2], [0, 0, 1]])
        return Camera(K, width, height)
    except CameraError as error:
        raise MapError(f"the camera of image {image} of {path} cannot be used: {error}") from error


def _text(word: np.str_ | np.bytes_) -> str:
    return word.decode("latin-1") if isinstance(word, bytes) else str(word)
