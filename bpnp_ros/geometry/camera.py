"""Intrinsics, and the image rectangle on the z = 1 plane on which everything else works."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import CameraError

DISTORTION_MODELS = ("plumb_bob", "rational_polynomial", "equidistant")


@dataclass(frozen=True)
class Frustum:
    """The image as a rectangle on the z = 1 plane of the optical frame.

    `pixel` is the size of one pixel there (1 / focal length).
    """

    x_min: float
    x_max: float
    y_min: float
    y_max: float
    pixel: float

    @property
    def area(self) -> float:
        return (self.x_max - self.x_min) * (self.y_max - self.y_min)

    def contains(self, xy: NDArray[np.floating], margin: float = 0.0) -> NDArray[np.bool_]:
        """Which points (..., 2) of the z = 1 plane lie inside, `margin` being added all round."""
        x, y = xy[..., 0], xy[..., 1]
        inside_x = (x >= self.x_min - margin) & (x <= self.x_max + margin)
        return inside_x & (y >= self.y_min - margin) & (y <= self.y_max + margin)


@dataclass(frozen=True, eq=False)
class Camera:
    """Intrinsics as sensor_msgs/CameraInfo gives them.

    K (3, 3) float64 in pixels; D the coefficients of `distortion_model`. Raises CameraError when
    they cannot describe a camera.
    """

    K: NDArray[np.float64]
    width: int
    height: int
    distortion_model: str = "plumb_bob"
    D: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.K.shape != (3, 3) or not np.isfinite(self.K).all():
            raise CameraError("K must be a finite 3x3 matrix; is the camera calibrated?")
        if self.K[0, 0] <= 0 or self.K[1, 1] <= 0:
            raise CameraError("K has no focal length (zero or negative); calibrate the camera.")
        if self.width <= 0 or self.height <= 0:
            raise CameraError("CameraInfo has no image size; fill in width and height.")
        if self.distortion_model not in DISTORTION_MODELS:
            raise CameraError(
                f"distortion model '{self.distortion_model}' is not known; "
                f"known are {', '.join(DISTORTION_MODELS)}."
            )
        if not np.isfinite(self.D).all():
            raise CameraError("D holds values that are not finite; calibrate the camera.")

    def frustum(self) -> Frustum:
        """The image rectangle of the undistorted pinhole camera with the same K."""
        fx, fy, cx, cy = self.K[0, 0], self.K[1, 1], self.K[0, 2], self.K[1, 2]
        return Frustum(
            x_min=float(-cx / fx),
            x_max=float((self.width - cx) / fx),
            y_min=float(-cy / fy),
            y_max=float((self.height - cy) / fy),
            pixel=float(2.0 / (fx + fy)),
        )
