"""Out of a bag: frames whose pose is known, and the lights in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bpnp_ros.bags.reading import Bag
from bpnp_ros.configuration.parameters import DetectorConfig, KeypointConfig, LocalizationSettings
from bpnp_ros.errors import BagError, BpnpError, CameraError
from bpnp_ros.geometry.camera import Camera, Frustum
from bpnp_ros.geometry.chart import EQUIDISTANT
from bpnp_ros.keypoints.detector import detect_keypoints
from bpnp_ros.keypoints.lens import bearings_of, image_view
from bpnp_ros.mapping.sightings import Array, Sightings, unit
from bpnp_ros.replay.ground_truth import GroundTruth
from bpnp_ros.replay.topics import Topics
from bpnp_ros.runtime.cameras import Cameras
from bpnp_ros.runtime.conversions import (
    frame_of,
    nanoseconds,
    read_image,
    read_keypoint_cues,
    read_keypoints,
)

CUES = ("size", "intensity", "label")
BEARING_PIXEL = KeypointConfig().bearing_pixel


class Reader:
    """Reads as far as it is let; `sightings` are those so far."""

    def __init__(
        self, bag: Bag, topics: Topics, poses: GroundTruth, detector: DetectorConfig
    ) -> None:
        self._bag, self._topics, self._poses, self._detector = bag, topics, poses, detector
        self._cameras = Cameras(LocalizationSettings(), KeypointConfig())
        self._view: Frustum | None = None
        self._T_map_camera: list[Array] = []
        self._rays: list[Array] = []
        self._cues: list[dict[str, Array]] = []
        self.without_pose, self.unreadable = 0, 0
        self.problem = ""
        """What was wrong with the last message that could not be read."""

    def read(self, advance: Callable[[], None]) -> None:
        """All of the bag. Raises CameraError where nothing can be read without a calibration."""
        if self._topics.camera_info:
            self._take_camera(self._bag.first(self._topics.camera_info))
        for recorded in self._bag.messages(self._topics.all):
            if recorded.topic == self._topics.camera_info:
                self._cameras.update(recorded.message)
                continue
            advance()
            try:
                self._take(recorded.message)
            except BpnpError as error:
                self.unreadable, self.problem = self.unreadable + 1, str(error)

    @property
    def sightings(self) -> Sightings:
        """Raises BagError where no frame has a pose, or none can be read."""
        if not self._rays:
            reason = self._poses.refusal or self.problem
            raise BagError(f"no message of {self._topics.source} could be used: {reason}")
        T = np.array(self._T_map_camera)
        ends = np.cumsum([0, *(len(rays) for rays in self._rays)])
        in_map = [rays @ T[f, :3, :3].T for f, rays in enumerate(self._rays)]
        names = [name for name in CUES if any(name in cues for cues in self._cues)]
        cues = {name: self._column(name) for name in names}
        view = self._view or _around(np.concatenate(self._rays))
        return Sightings(T, ends, np.concatenate(in_map), cues, view)

    def _column(self, name: str) -> Array:
        columns = [
            cues.get(name, np.full(len(rays), np.nan))
            for cues, rays in zip(self._cues, self._rays, strict=True)
        ]
        return np.asarray(np.concatenate(columns), np.float64)

    def _take_camera(self, info: Any) -> None:
        news = self._cameras.update(info)
        if isinstance(news, CameraError):
            raise news
        if isinstance(news, Camera):
            self._view = image_view(news)

    def _take(self, message: Any) -> None:
        frame, stamp = frame_of(message.header), nanoseconds(message.header.stamp)
        T = self._poses.at(stamp, frame)
        if T is None:
            self.without_pose += 1
            return
        rays, cues = self._lights(message, frame)
        good = np.isfinite(rays).all(axis=1)
        pixel = self._view.pixel if self._view else BEARING_PIXEL
        cues = {name: cues[name][good] for name in CUES if name in cues}
        if "size" in cues:
            cues["size"] = cues["size"] * pixel
        self._T_map_camera.append(T)
        self._rays.append(rays[good])
        self._cues.append(cues)

    def _lights(self, message: Any, frame: str) -> tuple[Array, dict[str, Array]]:
        """Unit vectors (M, 3) in the camera, and cues."""
        camera = self._cameras.camera_of(frame)
        if self._topics.image:
            image = read_image(message)
            self._cameras.check_size(frame, image.size)
            found = detect_keypoints(image, self._detector)
            positions, cues = found.pixels.astype(np.float64), found.cues
        else:
            positions, _ = read_keypoints(message)
            cues = read_keypoint_cues(message)
        as_read = {name: cue.astype(np.float64) for name, cue in cues.items()}
        if positions.shape[1] == 3:
            return unit(positions), as_read
        if camera is None:
            raise CameraError(f"no CameraInfo of '{frame}' is in the bag, so pixels mean nothing.")
        return bearings_of(positions, camera), as_read


def _around(bearings: Array) -> Frustum:
    """The view that bearings (M, 3) of unknown cameras span."""
    xyz = torch.from_numpy(bearings).unbind(-1)
    x, y = EQUIDISTANT.image(xyz, nearest=0.0)
    x_min, x_max, y_min, y_max = (float(limit) for limit in (*x.aminmax(), *y.aminmax()))
    return Frustum(x_min, x_max, y_min, y_max, BEARING_PIXEL, EQUIDISTANT)
