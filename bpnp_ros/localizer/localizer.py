"""Keypoints in, a verified pose or a reason out.

LOST      -> search: proposers -> local optimisation -> gate -> TRACKING
             or hypotheses, where one frame is not enough: carried on until one is left -> TRACKING
TRACKING  -> tracker: prediction -> local optimisation -> gate -> TRACKING, or LOST after some
             frames without
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.camera import Camera, Frustum
from bpnp_ros.keypoints.keypoints import (
    Keypoints,
    TooFewKeypointsError,
    keypoints_from_pixels,
)
from bpnp_ros.localizer.cues.pairs import MapCues
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.over_time.hypotheses import Hypotheses
from bpnp_ros.localizer.over_time.step import Pose
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.localizer.proposers.registry import Given
from bpnp_ros.localizer.search import GlobalSearch
from bpnp_ros.localizer.self_checks.checks import SelfChecks
from bpnp_ros.localizer.self_checks.lens_error import LensError
from bpnp_ros.localizer.self_checks.map import doubted_pairs
from bpnp_ros.localizer.stage import stage
from bpnp_ros.localizer.tracker import Tracker
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.from_map import model_from_map
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.network.bpnpnet_map import BPnPNetMap
from bpnp_ros.network.counted_start import counted_from_photographs
from bpnp_ros.network.matching import MatchingNetwork
from bpnp_ros.point_map.loading import load_map
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.weights.chosen import ChosenWeights, load_chosen

LOST, TRACKING = "LOST", "TRACKING"
WORKING_BYTES = 640 * 2**20
"""Machine code and intermediate results, as measured in buildings of 6 and 60 rooms."""


class Localizer:
    """Finds a camera in one map; remembers where it was when frames come with stamps."""

    def __init__(
        self,
        map_model: MapModel,
        network: BPnPNetMap | None,
        config: LocalizerConfig,
        notes: list[str] | None = None,
        any_map: MatchingNetwork | None = None,
    ) -> None:
        """network: trained for the map. any_map: BPnPNet to ask besides; without either of them
        that of the package is asked."""
        self.map_model = map_model
        self._notes = notes or []
        self._cues = MapCues(map_model)
        self._search = GlobalSearch(Given(map_model, network, any_map, config))
        self._tracker = Tracker(map_model, config)
        self._hypotheses = Hypotheses(map_model, config)
        self.checks = SelfChecks(map_model)
        self.config = config

    @property
    def config(self) -> LocalizerConfig:
        """The parameters in use; those of gate and tracker may be set while the localiser runs."""
        return self._config

    @config.setter
    def config(self, config: LocalizerConfig) -> None:
        self._config = self._search.config = self._tracker.config = config
        self._hypotheses.config = config

    @classmethod
    def from_map(
        cls,
        source: str | Path | PointMap | NDArray[np.floating],
        weights: str | Path | None = None,
        config: LocalizerConfig | None = None,
        device: str | torch.device = "cpu",
        scale: float | None = None,
    ) -> Localizer:
        """A localiser for a map file or COLMAP folder, a loaded map, or points (N, 3) in metres.

        weights: a bundle trained for the map, BPnPNet for any map, or both with a comma between.
        scale: metres per unit of a map file; without one a model from structure from motion keeps
        its own unit. Raises MapError, ConfigError and WeightsError, in sentences.
        """
        where = torch.device(device)
        chosen = load_chosen(str(weights or ""), where)
        if isinstance(source, str | Path):
            source = load_map(source, scale)
        return build_localizer(source, chosen, config or LocalizerConfig(), where)

    @property
    def state(self) -> str:
        """LOST, or TRACKING once a frame with a stamp has been found."""
        return TRACKING if self._tracker.is_following else LOST

    @property
    def proposers(self) -> list[str]:
        """Names of the proposers that look for a lost camera."""
        return [proposer.name for proposer in self._search.proposers]

    @property
    def notes(self) -> list[str]:
        """What users should know: of weights, and of a camera or map that looks wrong."""
        return [*self._notes, *self.checks.notes]

    @property
    def assumed(self) -> str:
        """What is taken for known of where the camera can be, for people."""
        if self.map_model.from_photographs:
            return "near the map's photographs"
        return str(self.map_model.view_space.held)

    def reset(self) -> None:
        """Forget where the camera was, and where it may have been."""
        self._tracker.forget()
        self._hypotheses.forget()
        self.checks.forget()

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """Do what takes seconds, once the camera is known; `localize` does it otherwise.

        progress is told the share that is done; it may raise to end the work.
        """
        self._search.prepare(frustum, progress)

    def look_around(self) -> None:
        """Search the whole map for the frame last seen, for when there is time: a camera that is
        followed is looked for anew where another place explains its frames much better."""
        frame = self._tracker.seen
        if frame is not None and self._tracker.is_following:
            _, candidates = self._search.answer(frame, None, {})
            if candidates is not None:
                self._tracker.compare(candidates)

    def memory_estimate(self) -> int:
        """Bytes that the map, its views and the work on them will take."""
        return 12 * self.map_model.view_space.size + self._search.stored_bytes + WORKING_BYTES

    def localize(
        self,
        keypoints: Keypoints | NDArray[np.floating],
        camera: Camera | None = None,
        stamp: float | None = None,
        prior: PosePrior | None = None,
        odometry: Pose | None = None,
    ) -> Fix | Rejection:
        """The camera's pose, or why there is none.

        keypoints: pixels (M, 2) of `camera`'s raw image, or Keypoints that were made of some.
        stamp: seconds; frames with stamps are followed, without one every frame is a first fix.
        prior: replaces what is known of the motion and restricts the search to its surroundings.
        odometry: T_odom_camera (4, 4), metres, in any frame in which it does not jump; tells how
            the camera has come since frames before.
        """
        try:
            told = _as_keypoints(keypoints, camera)
        except TooFewKeypointsError as error:
            return Rejection(Category.TOO_FEW_KEYPOINTS, str(error))
        timings: dict[str, float] = {}
        certain = self.checks.lens_of(told)
        lens = certain if self.config.refine_intrinsics else None
        seen = _through(lens, told)
        frame = self.frame_of(seen)
        answer = self._answer(frame, stamp, prior, odometry, timings)
        if stamp is not None:
            with stage(timings, "self_checks"):
                self._check(told, frame, answer, lens, prior)
        if isinstance(answer, Fix) and lens is None:
            with stage(timings, "self_checks"):
                answer = self.checks.in_doubt_of_the_lens(answer, frame, self.config)
        if isinstance(answer, Fix):
            answer = replace(answer, cues=self._cues.told(seen, answer))
        return replace(answer, timings=timings)

    def _check(
        self,
        told: Keypoints,
        frame: Frame,
        answer: Fix | Rejection,
        lens: LensError | None,
        prior: PosePrior | None,
    ) -> None:
        """Learn of camera and map; a lost camera is now and then looked for by another lens."""
        if isinstance(answer, Fix):
            self.checks.take(told, frame, answer, lens)
        known = prior is not None or self.checks.camera.lens is not None
        tried = None if known else self.checks.trials.lens_to_try(answer)
        if tried is None or self._tracker.is_following:
            return
        frame = self.frame_of(_through(tried, told))
        found, _ = self._search.answer(frame, None, {})
        self.checks.trials.tell(isinstance(found, Fix))
        if isinstance(found, Fix):
            self.checks.take(told, frame, found, tried)

    def _answer(
        self,
        frame: Frame,
        stamp: float | None,
        prior: PosePrior | None,
        odometry: Pose | None,
        timings: dict[str, float],
    ) -> Fix | Rejection:
        follows = stamp is not None and self.config.use_tracker
        known = stamp is not None and self._tracker.can_follow(stamp, odometry)
        if stamp is not None and follows and prior is None and known:
            tracked = self._tracker.step(frame, stamp, timings, odometry)
            if isinstance(tracked, Fix) or not self._tracker.has_lost:
                return tracked
        self._tracker.forget()
        answer, candidates = self._search.answer(frame, prior, timings)
        if stamp is None or not follows:
            return answer
        if candidates is not None and prior is None:
            with stage(timings, "hypotheses"):
                answer = self._hypotheses.weigh(answer, candidates, frame, stamp, odometry)
        if isinstance(answer, Fix):
            self._hypotheses.forget()
            self._tracker.follow(answer, frame, stamp, odometry)
        return answer

    def frame_of(self, keypoints: Keypoints) -> Frame:
        """Keypoints as the stages of the localiser see them, with what cues say in this map."""
        config, device = self.config, self.map_model.view_space.device
        pairs = doubted_pairs(self._cues.table(keypoints), self.checks.map.doubts, len(keypoints))
        aims = self._cues.aims(keypoints)
        frame = Frame.of(keypoints, config.keypoint_sigma, config.clutter, device, pairs, aims)
        return frame.with_crowding() if self.map_model.is_open else frame


def _through(lens: LensError | None, told: Keypoints) -> Keypoints:
    """Keypoints as a camera has them whose lens differs so from what CameraInfo tells."""
    return told if lens is None else replace(told, xy=lens.undone(told.xy))


def _as_keypoints(keypoints: Keypoints | NDArray[np.floating], camera: Camera | None) -> Keypoints:
    if isinstance(keypoints, Keypoints):
        return keypoints
    if camera is None:
        raise TypeError("pixels need the camera that took them: localize(pixels, camera)")
    return keypoints_from_pixels(keypoints, camera)


def build_localizer(
    source: PointMap | NDArray[np.floating],
    weights: ChosenWeights,
    config: LocalizerConfig,
    device: torch.device,
) -> Localizer:
    """A localiser for a map, or for points (N, 3) in metres in the map's own frame.

    The bundle is used when its points are found again in the map; else the map alone is, and
    `notes` says so. Raises MapError for a map that cannot be used.
    """
    if not isinstance(source, PointMap):
        source = np.asarray(source, np.float64)
    bundle, any_map = weights
    if bundle is not None and bundle.recognises(source):
        return Localizer(bundle.model.to(device), bundle.network, config, any_map=any_map)
    notes = [] if bundle is None else ["MAP_UNKNOWN: the weights were trained for another map"]
    model = model_from_map(source, config, device)
    network = _counted(source, model) if model.from_photographs else None
    return Localizer(model, network, config, notes, any_map)


def _counted(source: PointMap | NDArray[np.floating], model: MapModel) -> BPnPNetMap:
    assert isinstance(source, PointMap) and source.photographs is not None
    return counted_from_photographs(model, source.photographs.covering_camera().frustum())
