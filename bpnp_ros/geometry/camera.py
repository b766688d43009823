"""Intrinsics, and the image rectangle on the z = 1 plane on which everything else works."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import CameraError
from bpnp_ros.geometry.chart import PINHOLE, Chart
from bpnp_ros.geometry.distortion import checked_distortion, fold_angle

SKEW = 1e-4  # share of the focal length: a tenth of a pixel at the edge of a wide image
CLOSE = 1 / 64  # of a view's width and height, a quarter of a cell of the likelihood search


@dataclass(frozen=True)
class Frustum:
    """The image as a rectangle on the plane of its chart: z = 1, but for a fisheye's wide view.

    `pixel` is the size of one pixel there (1 / focal length).
    """

    x_min: float
    x_max: float
    y_min: float
    y_max: float
    pixel: float
    chart: Chart = PINHOLE

    @property
    def area(self) -> float:
        return (self.x_max - self.x_min) * (self.y_max - self.y_min)

    def is_close(self, other: Frustum, share: float = CLOSE) -> bool:
        """Whether what can be seen through both is the same, for all that a search cares.

        share: of the width and height by which the limits may differ.
        """
        x = share * (self.x_max - self.x_min)
        y = share * (self.y_max - self.y_min)
        return (
            self.chart == other.chart
            and max(abs(self.x_min - other.x_min), abs(self.x_max - other.x_max)) <= x
            and max(abs(self.y_min - other.y_min), abs(self.y_max - other.y_max)) <= y
        )

    def contains(self, xy: NDArray[np.floating], margin: float = 0.0) -> NDArray[np.bool_]:
        """Which points (..., 2) of the plane lie inside, `margin` being added all round."""
        x, y = xy[..., 0], xy[..., 1]
        inside_x = (x >= self.x_min - margin) & (x <= self.x_max + margin)
        return inside_x & (y >= self.y_min - margin) & (y <= self.y_max + margin)


@dataclass(frozen=True, eq=False)
class Camera:
    """Intrinsics as sensor_msgs/CameraInfo gives them.

    K (3, 3) float64 in pixels; D the coefficients of `distortion_model` (plumb_bob,
    rational_polynomial, equidistant, or a name that `checked_distortion` takes for one of them;
    empty when rectified). Raises CameraError when they cannot describe a camera.
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
        if not np.array_equal(self.K[2], (0, 0, 1)):
            raise CameraError("the last row of K must be 0 0 1; is the camera calibrated?")
        if abs(self.K[0, 1]) > SKEW * self.K[0, 0] or self.K[1, 0] != 0:
            raise CameraError(
                f"K has skew ({self.K[0, 1]:g}, {self.K[1, 0]:g}), which the lens models of ROS do "
                "not have; give fx, fy, cx, cy alone, or is K stored column by column?"
            )
        model, D = checked_distortion(self.distortion_model, self.D)
        object.__setattr__(self, "distortion_model", model)
        object.__setattr__(self, "D", D)

    @property
    def is_distorted(self) -> bool:
        """Whether a pixel and its point on the z = 1 plane differ by more than K."""
        return self.distortion_model == "equidistant" or any(self.D)

    @property
    def fold_angle(self) -> float:
        """Radians off the axis beyond which the lens model folds back: two rays, one pixel."""
        return fold_angle(self.distortion_model, self.D)

    def image_contains(
        self, pixels: NDArray[np.floating], border: float = 0.0
    ) -> NDArray[np.bool_]:
        """Which pixels (M, 2) of the raw image lie inside, `border` being added all round."""
        u, v = pixels[..., 0], pixels[..., 1]
        inside_u = (u >= -border) & (u <= self.width + border)
        return inside_u & (v >= -border) & (v <= self.height + border)

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
