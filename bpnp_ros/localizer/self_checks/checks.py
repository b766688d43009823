"""Camera and map are tested too, by every fix that is seen from somewhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.localizer.evidence.shown_depth import shown_depth
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.gate import leaves_open
from bpnp_ros.localizer.over_time.step import Pose, from_twist, lengths
from bpnp_ros.localizer.self_checks.calibration import with_calibration
from bpnp_ros.localizer.self_checks.camera import CameraCheck
from bpnp_ros.localizer.self_checks.focal_trials import FocalTrials
from bpnp_ros.localizer.self_checks.lens_error import LensError
from bpnp_ros.localizer.self_checks.lens_fit import fit_lens
from bpnp_ros.localizer.self_checks.look import Look
from bpnp_ros.localizer.self_checks.map import MapCheck
from bpnp_ros.localizer.self_checks.own_lens import with_own_lens
from bpnp_ros.localizer.tracker import TRACKER
from bpnp_ros.localizer.types import Fix, Rejection
from bpnp_ros.map_model.map_model import MapModel

ANOTHER_PLACE, ANOTHER_HEADING = 0.15, 0.25  # depths and radians between views that are counted
SHIFT_VARIES = 0.3  # from one such view to the next, relative


class SelfChecks:
    """What the localiser believes of its camera and its map. Written by one thread; `notes` and
    `values` may be read by others."""

    def __init__(self, model: MapModel) -> None:
        self._model = model
        self.camera, self.map, self.trials = CameraCheck(), MapCheck(model), FocalTrials()
        self._last: Pose | None = None
        self.notes: list[str] = []
        """What looks wrong, for people."""
        self.values: dict[str, str] = {}
        """What is known, for the diagnostics."""

    def forget(self) -> None:
        """What was missed in the map, and where."""
        self.map.forget()
        self._last = None
        self._tell()

    def lens_of(self, told: Keypoints) -> LensError | None:
        """The error of the lens that these come through, where one is certain."""
        self.camera.look_through(told.frustum)
        return self.camera.lens

    def take(self, told: Keypoints, frame: Frame, fix: Fix, lens: LensError | None) -> None:
        """A fix of a frame whose keypoints CameraInfo has `told`; lens: that it was seen by."""
        pose = self._recentred(fix)
        if not self._is_from_elsewhere(pose):
            return
        self._last = pose
        T, xy = torch.from_numpy(pose).to(frame.xy), torch.from_numpy(told.xy).to(frame.xy)
        sigma = fix.keypoint_sigma_px * told.frustum.pixel
        frame = replace(frame, xy=xy, sigma=sigma, clutter=fix.clutter)
        self.camera.take(fit_lens(self._model, T, frame.coarse(), lens or self.camera.start))
        if lens is not None or self.camera.lens is None:
            self.map.take(T, frame, lens or LensError())
        self._tell()

    def in_doubt_of_the_lens(
        self, fix: Fix, frame: Frame, config: LocalizerConfig
    ) -> Fix | Rejection:
        """A fix of a frame that was read as CameraInfo says, if it can be one all the same.

        A first fix, or any of a camera that looks wrong, is looked at through its own lens. Where
        that says nothing, the covariance reaches to where the camera is by what views before said,
        or as far as a calibration leaves open.
        Among the dense points of photographs many pairs are as likely, and a lens is fitted to
        wrong ones: there a single frame is not believed, this one included.
        """
        told, by_photographs = Look.as_told(self._model, frame, fix), self._model.from_photographs
        is_believed = self.camera.lens is not None or not by_photographs
        shift = self.camera.shift if is_believed else None
        is_asked = fix.proposer != TRACKER or shift is not None
        if is_asked and not by_photographs:
            fix = with_own_lens(self._model, told, fix, config)
        if fix.lens is None and shift is not None:
            fix = _shifted(fix, shift)
        elif fix.lens is None:
            fix = with_calibration(self._model, told, fix, self.camera.calibration, config)
        here = torch.from_numpy(self._recentred(fix))
        depth = shown_depth(self._model, here, fix.point_index)
        return leaves_open(depth, fix.covariance, config) or fix

    def _recentred(self, fix: Fix) -> Pose:
        pose = fix.T_map_camera.copy()
        pose[:3, 3] -= self._model.point_map.origin
        return pose

    def _is_from_elsewhere(self, pose: Pose) -> bool:
        if self._last is None:
            return True
        metres, radians = lengths(np.linalg.inv(self._last) @ pose)
        return metres > ANOTHER_PLACE * self._model.depth or radians > ANOTHER_HEADING

    def _tell(self) -> None:
        lens, changed = self.camera.lens, self.map.notes
        self.values = {"camera_check": self.camera.figures, "map_check": "; ".join(changed)}
        wrong = [f"CAMERA_MISCALIBRATED: {self.camera.words}"] if lens else []
        self.notes = [*wrong, *(f"MAP_CHANGED: {words}." for words in changed)]


def _shifted(fix: Fix, shift: Pose) -> Fix:
    """With the covariance of a pose that is `shift` (6,) away, metres and radians of the camera."""
    turned = np.kron(np.eye(2), fix.T_map_camera[:3, :3]) @ shift
    around = SHIFT_VARIES * np.repeat(lengths(from_twist(shift)), 3)
    return replace(fix, covariance=fix.covariance + np.outer(turned, turned) + np.diag(around**2))
