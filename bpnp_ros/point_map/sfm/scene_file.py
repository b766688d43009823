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


def check_scene(arrays: Arrays, point_count: int, path: Path) -> None:
    """Raise MapError unless the arrays of a scene are all there and belong together."""
    needed = ("R", "t", "fx", "width", "height", "kp_offsets", "kp_xy", "kp_point3d")
    missing = [name for name in needed if name not in arrays]
    if missing:
        raise MapError(f"{path} is a scene without the arrays {', '.join(missing)}.")
    images, keypoints = len(arrays["R"]), len(arrays["kp_xy"])
    shapes = {
        "R": (images, 3, 3),
        "t": (images, 3),
        "kp_offsets": (images + 1,),
        "kp_xy": (keypoints, 2),
        "kp_point3d": (keypoints,),
        **dict.fromkeys(("fx", "width", "height"), (images,)),
    }
    wrong = [name for name, shape in shapes.items() if arrays[name].shape != shape]
    if wrong:
        raise MapError(
            f"in {path} the shape of {wrong[0]} is {arrays[wrong[0]].shape}; "
            f"{images} images and {keypoints} keypoints need {shapes[wrong[0]]}."
        )
    offsets, shown = arrays["kp_offsets"], arrays["kp_point3d"]
    if offsets[0] != 0 or offsets[-1] != keypoints or (np.diff(offsets) < 0).any():
        raise MapError(f"in {path} kp_offsets does not divide the {keypoints} keypoints.")
    if keypoints and (shown.min() < -1 or shown.max() >= point_count):
        raise MapError(f"in {path} kp_point3d names points beyond the {point_count} there are.")


def scene_camera(arrays: Arrays, image: int) -> Camera:
    """The lens of one image; a pinhole with its centre in the middle where only fx is known."""
    width, height = int(arrays["width"][image]), int(arrays["height"][image])
    if "cam_model" in arrays:
        model = str(arrays["cam_model"][image])
        count = dict(CAMERA_MODELS).get(model, 0)
        params = tuple(arrays["cam_params"][image, :count].tolist())
        return camera_from_colmap(ColmapCamera(model, width, height, params))
    f = float(arrays["fx"][image])
    try:
        return Camera(np.array([[f, 0, width / 2], [0, f, height / 2], [0, 0, 1]]), width, height)
    except CameraError as error:
        raise MapError(f"the camera of image {image} cannot be used: {error}") from error
