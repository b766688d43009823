"""What is known of the cameras: the last CameraInfo of each frame, and keypoints read with it."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bpnp_ros.configuration.parameters import KeypointConfig, LocalizationSettings
from bpnp_ros.errors import BpnpError, CameraError
from bpnp_ros.geometry.camera import Camera, Frustum
from bpnp_ros.geometry.chart import EQUIDISTANT, PINHOLE
from bpnp_ros.geometry.distortion import is_known_model
from bpnp_ros.keypoints.keypoints import Keypoints, keypoints_from_bearings, keypoints_from_pixels
from bpnp_ros.keypoints.lens import image_view, uncovered_share
from bpnp_ros.runtime.conversions import (
    frame_of,
    read_camera,
    read_keypoint_cues,
    read_keypoints,
)

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo, PointCloud2

_log = logging.getLogger(__name__)

WIDEST_GUESS = 1.75  # tan(60 deg)


class NoCameraError(BpnpError):
    """No CameraInfo has arrived for the frame of the keypoints."""


class Cameras:
    """Cameras by frame. A CameraInfo that repeats the last one costs a comparison.

    Every keypoint is read with the last K of its frame, however little that differs from the one
    before; news is only a camera that sees something else.
    """

    def __init__(self, settings: LocalizationSettings, config: KeypointConfig) -> None:
        self._settings = settings
        self._config = config
        self._last_info: dict[str, tuple] = {}
        self._cameras: dict[str, Camera | CameraError] = {}
        self._bearing_views: dict[str, Frustum] = {}
        self._views: dict[str, Frustum] = {}
        self.view: Frustum | None = None
        """What the camera that was news last sees."""

    def clear(self) -> None:
        self._last_info.clear()
        self._cameras.clear()
        self._bearing_views.clear()
        self._views.clear()
        self.view = None

    @property
    def problem(self) -> str:
        """What is wrong with the CameraInfo that came, or that none came; empty if one is good."""
        if any(isinstance(camera, Camera) for camera in self._cameras.values()):
            return ""
        return next((str(error) for error in self._cameras.values()), "no CameraInfo yet")

    def update(self, info: CameraInfo) -> Camera | CameraError | None:
        """Take a CameraInfo; what became of it if it is news, else None."""
        frame = frame_of(info.header)
        content = _content(info)
        if self._last_info.get(frame) == content:
            return None
        self._last_info[frame] = content
        try:
            camera = read_camera(info, self._settings.keypoints_rectified)
            view = image_view(camera)
        except CameraError as error:
            self._cameras[frame] = CameraError(f"CameraInfo of '{frame}': {error}")
            return self._cameras[frame]
        self._cameras[frame] = camera
        known = self._views.get(frame)
        if known is not None and known.is_close(view):
            return None
        _tell_limits(info, camera)
        self.view = self._views[frame] = view
        return camera

    def camera_of(self, frame: str) -> Camera | None:
        """The camera of a frame, if it is known and good."""
        camera = self._cameras.get(frame)
        return camera if isinstance(camera, Camera) else None

    def check_size(self, frame: str, size: tuple[int, int]) -> None:
        """Raises CameraError naming an image (width, height) that is not the camera's."""
        camera = self.camera_of(frame)
        if camera is not None:
            check_image_size(camera, frame, size)

    def keypoints(self, message: PointCloud2) -> Keypoints:
        """Keypoints on the z = 1 plane. Raises KeypointError, CameraError, NoCameraError."""
        positions, score = read_keypoints(message)
        frame = frame_of(message.header)
        cues = read_keypoint_cues(message)
        if positions.shape[1] == 2:
            return keypoints_from_pixels(positions, self._camera(frame), score, self._config, cues)
        view = (self._settings.bearing_view_width, self._settings.bearing_view_height)
        if all(view):
            return keypoints_from_bearings(positions, score, view, self._config, cues)
        known = self._bearing_views.get(frame)
        chart = EQUIDISTANT if known is not None and known.chart == EQUIDISTANT else None
        keypoints = keypoints_from_bearings(positions, score, None, self._config, cues, chart)
        frustum = _enclosing(known, keypoints.frustum)
        self._bearing_views[frame] = frustum
        return replace(keypoints, frustum=frustum)

    def _camera(self, frame: str) -> Camera:
        camera = self._cameras.get(frame)
        if camera is None:
            others = ", ".join(f"'{other}'" for other in list(self._cameras)[:5]) or "no other"
            raise NoCameraError(
                f"no CameraInfo for frame '{frame}' of the keypoints; {others} known."
            )
        if isinstance(camera, CameraError):
            raise camera
        return camera


def check_image_size(camera: Camera, frame: str, size: tuple[int, int]) -> None:
    """Raises CameraError naming an image (width, height) that is not the camera's."""
    if size != (camera.width, camera.height):
        raise CameraError(
            f"the image of '{frame}' has {size[0]} x {size[1]} pixels, its CameraInfo says "
            f"{camera.width} x {camera.height}: it was resized or turned after calibration."
        )


def _content(info: CameraInfo) -> tuple:
    roi = info.roi
    return (
        *(info.width, info.height, info.distortion_model, info.binning_x, info.binning_y),
        *(roi.x_offset, roi.y_offset, roi.width, roi.height),
        *(tuple(info.d), tuple(info.k), tuple(info.p)),
    )


def _tell_limits(info: CameraInfo, camera: Camera) -> None:
    """Log what is assumed of a lens, and where its model ends."""
    frame, stated = info.header.frame_id, info.distortion_model
    if not camera.is_distorted and not is_known_model(stated):
        _log.warning("CameraInfo of '%s': model '%s' without distortion: a pinhole.", frame, stated)
    uncovered = uncovered_share(camera)
    if uncovered > 0:
        _log.warning(
            "CameraInfo of '%s': the lens model folds back %.0f degrees off the axis, inside the "
            "image; keypoints in the outer %.0f %% of it are left out. Calibrate the camera.",
            *(frame, math.degrees(camera.fold_angle), 100 * uncovered),
        )


def _enclosing(view: Frustum | None, seen: Frustum) -> Frustum:
    """The view of bearings so far: a rectangle that grows, by a little more than it must."""
    limits = np.array([seen.x_min, seen.y_min, seen.x_max, seen.y_max])
    widest = WIDEST_GUESS if seen.chart == PINHOLE else math.pi
    limits = np.clip(limits, -widest, widest)
    if view is not None and view.chart == seen.chart:
        known = np.array([view.x_min, view.y_min, view.x_max, view.y_max])
        outwards = np.array([-1.0, -1.0, 1.0, 1.0])
        beyond = outwards * (limits - known) > 0
        limits = np.where(beyond, limits + 0.05 * outwards, known)
    x_min, y_min, x_max, y_max = (float(limit) for limit in limits)
    return Frustum(x_min, x_max, y_min, y_max, seen.pixel, seen.chart)
