"""COLMAP's camera models as ROS writes them, where ROS has an equal."""

from __future__ import annotations

import numpy as np

from bpnp_ros.errors import CameraError, MapError
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.point_map.sfm.colmap import ColmapCamera

PIXEL_CENTRE = 0.5  # COLMAP's upper left pixel has its centre there, ROS' at 0

# focal lengths, then ROS' model and, for each of its coefficients, the COLMAP parameter that
# follows the principal point (None: 0)
_MODELS: dict[str, tuple[int, str, tuple[int | None, ...]]] = {
    "SIMPLE_PINHOLE": (1, "plumb_bob", ()),
    "PINHOLE": (2, "plumb_bob", ()),
    "SIMPLE_RADIAL": (1, "plumb_bob", (0, None, None, None)),
    "RADIAL": (1, "plumb_bob", (0, 1, None, None)),
    "OPENCV": (2, "plumb_bob", (0, 1, 2, 3)),
    "FULL_OPENCV": (2, "rational_polynomial", (0, 1, 2, 3, 4, 5, 6, 7)),
    "OPENCV_FISHEYE": (2, "equidistant", (0, 1, 2, 3)),
    "SIMPLE_RADIAL_FISHEYE": (1, "equidistant", (0, None, None, None)),
    "RADIAL_FISHEYE": (1, "equidistant", (0, 1, None, None)),
}


def camera_from_colmap(camera: ColmapCamera) -> Camera:
    """The same lens in ROS' terms. Raises MapError where there is no equal."""
    if camera.model not in _MODELS:
        raise MapError(
            f"COLMAP camera model {camera.model} has no equal in ROS; undistort the images with "
            "COLMAP's image_undistorter, or export the points as .ply with its model_converter."
        )
    focal_lengths, model, order = _MODELS[camera.model]
    fx, fy = camera.params[0], camera.params[focal_lengths - 1]
    cx, cy, *rest = camera.params[focal_lengths:]
    K = np.array([[fx, 0, cx - PIXEL_CENTRE], [0, fy, cy - PIXEL_CENTRE], [0, 0, 1]])
    D = tuple(0.0 if at is None else rest[at] for at in order)
    try:
        return Camera(K, camera.width, camera.height, model, D)
    except CameraError as error:
        raise MapError(f"a camera of the COLMAP model cannot be used: {error}") from error
