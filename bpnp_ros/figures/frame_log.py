"""Frames to scrub through: what was seen, what was expected, which poses the gate compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.backends.rerun import Recording
from bpnp_ros.figures.projection import image_size, in_pixels, map_in_view, pinhole
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.evidence.listening import listening
from bpnp_ros.localizer.types import Fix, Rejection
from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]


class FrameLog:
    """Hears the localiser while it is open; every frame is added after its answer."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._model: MapModel | None = None
        self._compared: tuple[Candidates, Tensor] | None = None
        self._count = 0

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[FrameLog]:
        """A log in an .rrd file. Raises ConfigError where that cannot be."""
        recording = Recording(path)
        log = cls(recording)
        try:
            with listening(log._hear):
                yield log
        finally:
            recording.close()

    def add(
        self,
        stamp_ns: int,
        model: MapModel,
        camera: Camera | None,
        keypoints: Keypoints | None,
        answer: Fix | Rejection,
        poses: Mapping[str, Array | None],
    ) -> None:
        """A frame. poses: others of the camera, T_map_camera (4, 4), by name, to be shown too."""
        recording = self._recording
        recording.begin(self._count, stamp_ns)
        if model is not self._model:
            self._model = model
            recording.points(model.point_map.points.astype(np.float64) + model.point_map.origin)
        found = answer.T_map_camera if isinstance(answer, Fix) else None
        for name, T in {"camera": found, **poses}.items():
            recording.pose(name, T)
        if keypoints is not None:
            shown = next((T for T in (found, *poses.values()) if T is not None), None)
            self._add_image(model, camera, keypoints, answer, shown)
        self._add_comparison(model)
        self._add_answer(answer)
        self._count += 1

    def _add_image(
        self,
        model: MapModel,
        camera: Camera | None,
        keypoints: Keypoints,
        answer: Fix | Rejection,
        T_map_camera: Array | None,
    ) -> None:
        """The map is predicted from the pose found, or else from the first other one."""
        frustum, inlier = keypoints.frustum, np.zeros(len(keypoints), bool)
        if isinstance(answer, Fix):
            inlier[answer.keypoint_index] = True
        expected = np.zeros((0, 2))
        if T_map_camera is not None:
            expected = map_in_view(model, T_map_camera, frustum)
        self._recording.lens(pinhole(camera, frustum), image_size(camera, frustum))
        self._recording.pixels("predicted", in_pixels(expected, camera, frustum))
        seen = in_pixels(keypoints.xy.astype(np.float64), camera, frustum)
        self._recording.pixels("keypoints", seen, inlier)

    def _add_comparison(self, model: MapModel) -> None:
        T, nats = np.zeros((0, 4, 4)), np.zeros(0)
        if self._compared is not None:
            candidates, score = self._compared
            T, nats = candidates.T_map_camera.double().cpu().numpy(), score.double().cpu().numpy()
            T[:, :3, 3] += model.point_map.origin
        self._recording.compared(T, nats)
        self._compared = None

    def _add_answer(self, answer: Fix | Rejection) -> None:
        if isinstance(answer, Fix):
            self._recording.figure("inliers", answer.inliers)
            self._recording.figure("log_likelihood_ratio_nat", answer.log_likelihood_ratio)
            self._recording.text(f"{answer.proposer}: {answer.inliers} inliers")
        else:
            self._recording.text(f"{answer.category.value}: {answer.message}")

    def _hear(self, candidates: Candidates, score: Tensor) -> None:
        """Of several comparisons in a frame the last one decides."""
        self._compared = candidates, score
