"""Following a camera from frame to frame: predict, refine, verify."""

from __future__ import annotations

import torch

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.gate import Gate, verify
from bpnp_ros.localizer.local_optimisation import (
    FROM_PREDICTION,
    coarse_to_fine,
    perturb,
    polish,
)
from bpnp_ros.localizer.over_time.step import Pose
from bpnp_ros.localizer.stage import stage
from bpnp_ros.localizer.track import Track
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.map_model import MapModel

TRACKER = "tracker"
DOUBTFUL_SHARE = 0.8


class Tracker:
    """Knows where the camera was; lost before the first fix, and after some frames without."""

    def __init__(self, model: MapModel, config: LocalizerConfig) -> None:
        self._model, self.config = model, config
        self._track = Track(model.depth)

    @property
    def is_following(self) -> bool:
        return self._track.last is not None

    @property
    def has_lost(self) -> bool:
        return self._track.misses >= self.config.lost_after

    def forget(self) -> None:
        self._track = Track(self._model.depth)

    def follow(self, fix: Fix, frame: Frame, stamp: float, odometry: Pose | None = None) -> None:
        """Take in a fix, whoever found it. odometry: T_odom_camera (4, 4), if known."""
        self._track.follow(self._recentred(fix), stamp, fix, len(frame.xy), odometry)

    def step(
        self, frame: Frame, stamp: float, timings: dict[str, float], odometry: Pose | None = None
    ) -> Fix | Rejection:
        """The pose near where the camera should be now, or why there is none."""
        with stage(timings, "track"):
            answer = self._near_prediction(frame, stamp, odometry)
        if isinstance(answer, Fix):
            self.follow(answer, frame, stamp, odometry)
        else:
            self._track.misses += 1
        return answer

    def _near_prediction(
        self, frame: Frame, stamp: float, odometry: Pose | None
    ) -> Fix | Rejection:
        model, config = self._model, self.config
        usual = self._track.share * len(frame.xy)
        reach = self._track.reach(stamp, config.max_speed, config.max_turn_rate)
        gate = Gate.of_tracking(model, usual, reach, config)
        starts = self._track.predictions(stamp, frame.xy, odometry)
        predicted = Candidates.of(starts, TRACKER)
        candidates = coarse_to_fine(model, predicted, frame, FROM_PREDICTION)
        candidates = polish(model, candidates, frame)
        answer = verify(model, candidates, frame, gate, config)
        if isinstance(answer, Rejection) or answer.inliers < DOUBTFUL_SHARE * usual:
            ahead = predicted.select(torch.tensor([0]))
            nearby = polish(model, perturb(model, ahead, frame, config.seed), frame)
            candidates = Candidates.joined([candidates, nearby])
            answer = verify(model, candidates, frame, gate, config)
        if isinstance(answer, Fix) and not self._can_have_come(answer, reach):
            return Rejection(
                Category.NOT_VERIFIED, "the pose is further from the last one than max_speed allows"
            )
        return answer

    def _can_have_come(self, fix: Fix, reach: tuple[float, float]) -> bool:
        metres, radians = self._track.moved(self._recentred(fix))
        return metres <= reach[0] and radians <= reach[1]

    def _recentred(self, fix: Fix) -> Pose:
        pose = fix.T_map_camera.copy()
        pose[:3, 3] -= self._model.point_map.origin
        return pose
