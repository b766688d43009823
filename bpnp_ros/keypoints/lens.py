"""Pixels of a raw image <-> the z = 1 plane, for every distortion model that is known."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.backends import opencv
from bpnp_ros.errors import CameraError
from bpnp_ros.geometry.camera import Camera, Frustum
from bpnp_ros.geometry.chart import EQUIDISTANT
from bpnp_ros.geometry.distortion import distorted_radius

Array = NDArray[np.float64]

WIDEST_PLANE = np.radians(70)  # off the axis; what reaches further needs a wider chart


def normalise(pixels: NDArray[np.floating], camera: Camera) -> Array:
    """Pixels (M, 2) -> undistorted points of the z = 1 plane (M, 2), NaN where there is none."""
    if camera.is_distorted:
        return opencv.undistort_points(pixels.astype(np.float64), camera)
    homogeneous = np.column_stack([pixels, np.ones(len(pixels))]).astype(np.float64)
    return (homogeneous @ np.linalg.inv(camera.K).T)[:, :2]


def bearings_of(pixels: NDArray[np.floating], camera: Camera) -> Array:
    """Pixels (M, 2) -> unit vectors (M, 3) in the optical frame, NaN where there is none.

    Those of an equidistant lens reach beyond the z = 1 plane, to wherever its model folds back.
    """
    if camera.distortion_model != "equidistant":
        return unit_vectors(normalise(pixels, camera))
    plane = (pixels.astype(np.float64) - camera.K[:2, 2]) / np.diag(camera.K)[:2]
    radius = np.hypot(plane[:, 0], plane[:, 1])
    angles = np.linspace(0, camera.fold_angle, 20_001)  # interpolates to 1e-8 rad
    reached = distorted_radius(angles, camera.distortion_model, camera.D)
    angle = np.interp(radius, reached, angles, right=np.nan)
    sideways = plane * (np.sin(angle) / np.maximum(radius, 1e-300))[:, None]
    return np.column_stack([sideways, np.cos(angle)])


def unit_vectors(xy: NDArray[np.floating]) -> Array:
    """Points of the z = 1 plane (M, 2) -> unit vectors (M, 3)."""
    rays = np.column_stack([xy, np.ones(len(xy))]).astype(np.float64)
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


def uncovered_share(camera: Camera) -> float:
    """Share of the image in which the lens model leads nowhere (it folds back there), 0 to 1."""
    return float(np.isnan(bearings_of(_image_grid(camera), camera)[:, 2]).mean())


def _image_grid(camera: Camera) -> Array:
    u = np.linspace(0, camera.width, 33)
    v = np.linspace(0, camera.height, 33)
    return np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)


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
    xy = normalise(_image_grid(camera), camera)
    xy = xy[np.isfinite(xy).all(axis=1)]
    if len(xy) == 0:
        raise CameraError("the distortion covers no part of the image; calibrate the camera.")
    (x_min, y_min), (x_max, y_max) = xy.min(axis=0), xy.max(axis=0)
    pixel = camera.frustum().pixel
    return Frustum(float(x_min), float(x_max), float(y_min), float(y_max), pixel)


@lru_cache(maxsize=256)
def image_view(camera: Camera) -> Frustum:
    """The whole image on the chart that suits it: z = 1, or equidistant for a wide fisheye."""
    if camera.distortion_model != "equidistant":
        return image_frustum(camera)
    bearings = bearings_of(_image_grid(camera), camera)
    bearings = bearings[np.isfinite(bearings[:, 2])]
    if len(bearings) == 0 or bearings[:, 2].min() > np.cos(WIDEST_PLANE):
        return image_frustum(camera)
    x, y = EQUIDISTANT.image(torch.from_numpy(bearings).unbind(-1), nearest=0.0)
    x_min, x_max, y_min, y_max = (float(limit) for limit in (*x.aminmax(), *y.aminmax()))
    return Frustum(x_min, x_max, y_min, y_max, camera.frustum().pixel, EQUIDISTANT)


def on_chart(pixels: NDArray[np.floating], camera: Camera) -> Array:
    """Pixels (M, 2) of the raw image -> points (M, 2) of the chart of `image_view`, else NaN."""
    view = image_view(camera)
    if view.chart != EQUIDISTANT:
        return normalise(pixels, camera)
    bearings = torch.from_numpy(bearings_of(pixels, camera))
    return torch.stack(view.chart.image(bearings.unbind(-1), nearest=0.0), dim=-1).numpy()


def off_chart(xy: NDArray[np.floating], camera: Camera) -> Array:
    """Points (M, 2) of the chart of `image_view` -> pixels of the raw image, where OpenCV can."""
    return project(image_view(camera).chart.bearings(torch.from_numpy(xy).double()).numpy(), camera)
