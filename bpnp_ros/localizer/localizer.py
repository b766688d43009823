"""Keypoints in, a verified pose or a reason out.

LOST      -> proposers -> refine -> verify -> TRACKING
TRACKING  -> prediction -> refine -> verify -> TRACKING, or LOST after some frames without
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.gate import Gate, verify
from bpnp_ros.localizer.local_optimisation import (
    ALIAS_START,
    FINAL_KEEP,
    FROM_PREDICTION,
    coarse_to_fine,
    keep_best,
    local_optimisation,
    perturb,
    polish,
)
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.proposers import (
    TRACKER,
    LikelihoodSearch,
    NetworkProposer,
    Proposer,
    propose_around,
)
from bpnp_ros.localizer.tracker import Tracker
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.localizer.view_bank import CELLS, Progress, unheard
from bpnp_ros.map_model.exploration import ExplorationConfig
from bpnp_ros.map_model.from_points import model_from_points
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.network.bpnpnet_map import BPnPNetMap
from bpnp_ros.weights.bundle import MapBundle

LOST, TRACKING = "LOST", "TRACKING"
DOUBTFUL_SHARE = 0.8
MOST_ALIASES = 256


class Localizer:
    """Finds a camera in one map; keeps the state between frames of one camera."""

    def __init__(
        self,
        map_model: MapModel,
        network: BPnPNetMap | None,
        config: LocalizerConfig,
        notes: list[str] | None = None,
    ) -> None:
        self.map_model = map_model
        self.config = config
        self.notes = notes or []
        self._tracker = Tracker()
        self._proposers: list[Proposer] = []
        if network is not None and config.use_network:
            self._proposers.append(NetworkProposer(map_model, network.eval(), config.seed))
        if config.use_likelihood_search:
            self._proposers.append(LikelihoodSearch(map_model, config))

    @property
    def state(self) -> str:
        return LOST if self._tracker.last is None else TRACKING

    @property
    def proposers(self) -> list[str]:
        """Names of the proposers that look for a lost camera."""
        return [proposer.name for proposer in self._proposers]

    def reset(self) -> None:
        """Forget where the camera was."""
        self._tracker = Tracker()

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """Do what takes seconds, once the camera is known; `localize` does it otherwise.

        progress is told the share that is done; it may raise to end the work.
        """
        _ = self.map_model.aliases
        for proposer in self._proposers:
            proposer.prepare(frustum, progress)

    def memory_estimate(self) -> int:
        """Bytes that the map, its views and the largest intermediate result will take."""
        space = self.map_model.view_space
        views = self.config.bank_views * (CELLS + 16) if self.config.use_likelihood_search else 0
        return 4 * (3 * space.seen.numel() + views) + 2**28

    def localize(
        self, keypoints: Keypoints, stamp: float, prior: PosePrior | None = None
    ) -> Fix | Rejection:
        """The camera's pose at `stamp` (seconds), or why there is none.

        A prior replaces what the tracker believes and restricts the search to its surroundings.
        """
        config = self.config
        frame = Frame.of(
            keypoints,
            config.keypoint_sigma,
            config.clutter,
            self.map_model.view_space.anchors.device,
        )
        timings: dict[str, float] = {}
        answer = self._answer(frame, stamp, prior, timings)
        return replace(answer, timings=timings)

    def _answer(
        self, frame: Frame, stamp: float, prior: PosePrior | None, timings: dict[str, float]
    ) -> Fix | Rejection:
        if prior is None and self.state == TRACKING and self.config.use_tracker:
            tracked = self._track(frame, stamp, timings)
            if isinstance(tracked, Fix) or self._tracker.misses < self.config.lost_after:
                return tracked
        self.reset()
        answer = self._search(frame, prior, timings)
        if isinstance(answer, Fix) and self.config.use_tracker:
            self._follow(answer, frame, stamp)
        return answer

    def _track(self, frame: Frame, stamp: float, timings: dict[str, float]) -> Fix | Rejection:
        config, tracker, model = self.config, self._tracker, self.map_model
        usual = tracker.share * len(frame.xy)
        least = max(config.tracking_inliers, round(config.tracking_share * usual))
        gate = Gate(self._least_ratio(config.tracking_log_likelihood_ratio, frame), least, 1.0)
        with _stage(timings, "track"):
            predicted = Candidates.of(tracker.predictions(stamp, frame.xy), TRACKER)
            candidates = coarse_to_fine(model, predicted, frame, FROM_PREDICTION)
            candidates = polish(model, candidates, frame)
            answer = verify(model, candidates, frame, gate, config)
            if isinstance(answer, Rejection) or answer.inliers < DOUBTFUL_SHARE * usual:
                ahead = predicted.select(torch.tensor([0]))
                nearby = polish(model, perturb(model, ahead, frame, config.seed), frame)
                candidates = Candidates.joined([candidates, nearby])
                answer = verify(model, candidates, frame, gate, config)
        if isinstance(answer, Fix) and not self._within_reach(answer, stamp):
            answer = Rejection(
                Category.NOT_VERIFIED, "the pose is further from the last one than max_speed allows"
            )
        if isinstance(answer, Fix):
            self._follow(answer, frame, stamp)
        else:
            tracker.misses += 1
        return answer

    def _search(
        self, frame: Frame, prior: PosePrior | None, timings: dict[str, float]
    ) -> Fix | Rejection:
        """Ask every proposer; refine and verify their candidates together."""
        parts = []
        if prior is not None:
            with _stage(timings, "prior"):
                parts.append(propose_around(self.map_model, prior, frame, self.config.seed))
        else:
            for proposer in self._proposers:
                with _stage(timings, proposer.name):
                    parts.append(proposer.propose(frame))
        candidates = Candidates.joined(parts) if parts else None
        if not candidates:
            return Rejection(
                Category.NO_PROPOSAL,
                f"no proposer has a candidate; asked were: {', '.join(self.proposers) or 'none'}",
            )
        with _stage(timings, "refine"):
            candidates = local_optimisation(self.map_model, candidates, frame, self.config.seed)
        if prior is None:
            with _stage(timings, "aliases"):
                candidates = self._with_aliases(candidates, frame)
        with _stage(timings, "verify"):
            config = self.config
            least = self._least_ratio(config.min_log_likelihood_ratio, frame)
            gate = Gate(least, config.min_inliers, config.rival_share)
            return verify(self.map_model, candidates, frame, gate, config)

    def _least_ratio(self, least: float, frame: Frame) -> float:
        return max(least, self.config.min_log_likelihood_ratio_per_keypoint * len(frame.xy))

    def _with_aliases(self, candidates: Candidates, frame: Frame) -> Candidates:
        """Joined by poses in parts of the map that look like what the best candidate sees."""
        model = self.map_model
        if len(model.aliases) == 0:
            return candidates
        best = keep_best(model, candidates, frame, frame.sigma, 1)
        poses = model.aliases.of(best.T_map_camera[0], MOST_ALIASES)
        aliases = Candidates.of(poses, best.proposer[0])
        aliases = keep_best(model, aliases, frame, ALIAS_START, FINAL_KEEP)
        return Candidates.joined([candidates, polish(model, aliases, frame, ALIAS_START)])

    def _recentred(self, fix: Fix) -> NDArray[np.float64]:
        pose = fix.T_map_camera.copy()
        pose[:3, 3] -= self.map_model.point_map.origin
        return pose

    def _within_reach(self, fix: Fix, stamp: float) -> bool:
        config = self.config
        return self._tracker.within_reach(
            self._recentred(fix), stamp, config.max_speed, config.max_turn_rate
        )

    def _follow(self, fix: Fix, frame: Frame, stamp: float) -> None:
        self._tracker.follow(self._recentred(fix), stamp, fix, len(frame.xy))


def build_localizer(
    points: NDArray[np.float64],
    bundle: MapBundle | None,
    config: LocalizerConfig,
    device: torch.device,
) -> Localizer:
    """A localiser for map points (N, 3) in metres, in the map's own frame.

    The bundle is used when its points are found again in the map; else the map's points alone are,
    and `notes` says so. Raises MapError for a map that cannot be used.
    """
    if bundle is not None and bundle.recognises(points):
        return Localizer(bundle.model.to(device), bundle.network, config)
    notes = [] if bundle is None else ["MAP_UNKNOWN: the weights were trained for another map"]
    exploration = ExplorationConfig(
        camera_height_min=config.camera_height_min,
        camera_height_max=config.camera_height_max,
        tilt=config.camera_tilt,
    )
    model = model_from_points(points, exploration, config.most_points, device, config.seed)
    return Localizer(model, None, config, notes)


@contextmanager
def _stage(timings: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[name] = timings.get(name, 0.0) + time.perf_counter() - start
