"""Pixels of a raw image <-> the z = 1 plane, for every distortion model that is known."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends import opencv
from bpnp_ros.errors import CameraError
from bpnp_ros.geometry.camera import Camera, Frustum

Array = NDArray[np.float64]


def normalise(pixels: NDArray[np.floating], camera: Camera) -> Array:
    """Pixels (M, 2) -> undistorted points of the z = 1 plane (M, 2), NaN where there is none."""
    if camera.is_distorted:
        return opencv.undistort_points(pixels.astype(np.float64), camera)
    homogeneous = np.column_stack([pixels, np.ones(len(pixels))]).astype(np.float64)
    return (homogeneous @ np.linalg.inv(camera.K).T)[:, :2]


def denormalise(xy: NDArray[np.floating], camera: Camera) -> Array:
    """Points of the z = 1 plane (M, 2) -> pixels of the raw image (M, 2)."""
    return project(np.column_stack([xy, np.ones(len(xy))]).astype(np.float64), camera)


def project(points: Array, camera: Camera) -> Array:
    """Points (N, 3) in the optical frame -> pixels of the raw image (N, 2), NaN if not in front."""
    return opencv.project_points(points, camera)


@lru_cache(maxsize=256)
def image_frustum(camera: Camera) -> Frustum:
    """The rectangle of the z = 1 plane around the undistorted image.

    Of a distorted camera it is larger than `Camera.frustum()` (barrel) or smaller (pincushion). A
    fisheye lens ends where `normalise` does, 85 degrees off the axis. Remembered by camera.
    """
    if not camera.is_distorted:
        return camera.frustum()
    u = np.linspace(0, camera.width, 33)
    v = np.linspace(0, camera.height, 33)
    grid = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    xy = normalise(grid, camera)
    xy = xy[np.isfinite(xy).all(axis=1)]
    if len(xy) == 0:
        raise CameraError("the distortion covers no part of the image; calibrate the camera.")
    (x_min, y_min), (x_max, y_max) = xy.min(axis=0), xy.max(axis=0)
    pixel = camera.frustum().pixel
    return Frustum(float(x_min), float(x_max), float(y_min), float(y_max), pixel)
