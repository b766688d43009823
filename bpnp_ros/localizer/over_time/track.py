"""Where the camera was, and where it should be now: carried on at constant velocity."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.over_time.step import (
    Pose,
    Step,
    fastest,
    from_twist,
    lengths,
    speed_of,
    twist,
)
from bpnp_ros.localizer.types import Fix

SLACK_DEPTHS, SLACK_RADIANS = 0.04, 0.1  # for the errors of the fixes themselves
LONGEST_GAP = 1.0  # seconds; a camera that nobody saw for longer may be anywhere
LONGEST_WAY = 1.0  # depths that odometry leads through the dark
USUAL = 0.9  # of what frames before showed: less is doubtful
LUCK = 3.0  # standard deviations of what is seen by chance
VAGUE = 0.3  # depths and radians: refinement does not reach further

# a camera's turn changes faster than its way
TURN = 0.1  # radians from one prediction to the next about its y axis
LEAST_TURNS, MOST_TURNS = 2, 8  # to either side


@dataclass
class Track:
    """Poses are T_map_camera (4, 4) in the recentred map; stamps are seconds.

    depth: of what the camera sees in this map, metres.
    """

    depth: float
    last: Pose | None = None
    last_stamp: float = 0.0
    motion: Pose = field(default_factory=lambda: np.zeros(6))
    """(v, w) of the camera in its own frame, m/s and rad/s."""
    share: float = 0.0
    """Share of keypoints explained, a running mean."""
    inliers: float = 0.0
    """Keypoints explained, a running mean."""
    level: float = 0.0
    """Log-likelihood ratio a keypoint, nats, a running mean."""
    seen: float = 0.0
    """Share of what should be in view that is, a running mean."""
    surprise: float = np.inf
    """How far fixes are from where they were expected, depths and radians, a running mean."""
    odometry: Pose | None = None
    """T_odom_camera (4, 4) at the last fix, where there is odometry."""
    misses: int = 0

    def follow(
        self, pose: Pose, stamp: float, fix: Fix, keypoints: int, odometry: Pose | None = None
    ) -> None:
        """Take in a fix."""
        share, level = fix.inliers / keypoints, _own_nats(fix) / keypoints
        elapsed = stamp - self.last_stamp
        self.level = self._mean(self.level, level)
        self.seen = self._mean(self.seen, _seen(fix))
        if self.last is not None:
            surprise = self.surprise_of(pose, stamp)
            mean = self.surprise if np.isfinite(self.surprise) else surprise
            self.surprise = 0.8 * mean + 0.2 * surprise
        if self.last is None or not 0 < elapsed < 1:
            self.motion = np.zeros(6)
        else:
            self.motion = twist(np.linalg.inv(self.last) @ pose) / elapsed
        self.share = self._mean(self.share, share)
        self.inliers = self._mean(self.inliers, fix.inliers)
        self.last, self.last_stamp, self.misses = pose, stamp, 0
        self.odometry = odometry

    def fell(self, fix: Fix, keypoints: int) -> bool:
        """Whether a frame is explained less well than those before, or shows less of what should
        be in view than chance takes away: as in a place that is only partly like the last one."""
        if fix.log_likelihood_ratio / keypoints < USUAL * self.level:
            return True
        seen = _seen(fix)
        varies = (self.seen * (1 - self.seen) * seen / max(fix.inliers, 1)) ** 0.5
        return seen + LUCK * varies < USUAL * self.seen

    def _mean(self, before: float, now: float) -> float:
        return now if self.last is None else 0.8 * before + 0.2 * now

    def leads_to(self, stamp: float, odometry: Pose | None, config: LocalizerConfig) -> bool:
        """Whether the way from the last fix is known well enough to look for the camera there."""
        if self.last is None:
            return False
        if abs(stamp - self.last_stamp) <= LONGEST_GAP:
            return True
        told = self._told(stamp, odometry, config)
        return told is not None and lengths(told.T_before_now)[0] <= LONGEST_WAY * self.depth

    def step(self, stamp: float, odometry: Pose | None, config: LocalizerConfig) -> Step:
        """How the camera has come since the last fix: by odometry, else as it moved before."""
        told = self._told(stamp, odometry, config)
        return told or Step.guessed(self._velocity, self._elapsed(stamp), self.depth, config)

    def is_vague(self, step: Step) -> bool:
        """Whether the camera may have come further from where a step leads than is refined."""
        return step.metres / self.depth + step.radians > VAGUE

    def predictions(self, stamp: float, step: Step, like: Tensor) -> Tensor:
        """Candidates (P, 4, 4) for a stamp: carried on, also turning otherwise, standing, and last
        as the step says."""
        assert self.last is not None
        ahead = self._ahead(stamp)
        starts = [ahead[None], ahead @ _turns(2 * step.radians), self.last[None]]
        if not step.is_guess:
            starts.append((self.last @ step.T_before_now)[None])
        return torch.from_numpy(np.concatenate(starts)).to(like)

    def surprise_of(self, pose: Pose, stamp: float) -> float:
        """How far a pose is from where the camera was heading, depths and radians."""
        metres, radians = lengths(np.linalg.inv(self._ahead(stamp)) @ pose)
        return metres / self.depth + radians

    def reach(self, stamp: float, step: Step, config: LocalizerConfig) -> tuple[float, float]:
        """How far the camera can have come since the last fix, metres and radians.

        step: how it has come as far as is known.
        """
        elapsed = self._elapsed(stamp)
        metres = fastest(config, self.depth, speed_of(self._velocity)) * elapsed
        if config.max_speed == 0 and not step.is_guess:
            metres = max(metres, lengths(step.T_before_now)[0] + step.metres)
        return metres + SLACK_DEPTHS * self.depth, config.max_turn_rate * elapsed + SLACK_RADIANS

    @property
    def _velocity(self) -> Pose | None:
        """(6,) m/s and rad/s, where two fixes have shown it."""
        return self.motion if self.motion.any() else None

    def _told(self, stamp: float, odometry: Pose | None, config: LocalizerConfig) -> Step | None:
        elapsed, seen = self._elapsed(stamp), speed_of(self._velocity)
        return Step.told(self.odometry, odometry, elapsed, self.depth, config, seen)

    def _ahead(self, stamp: float) -> Pose:
        assert self.last is not None
        ahead: Pose = self.last @ from_twist(self.motion * min(self._elapsed(stamp), 1.0))
        return ahead

    def _elapsed(self, stamp: float) -> float:
        return max(stamp - self.last_stamp, 0.0)


def _turns(most: float) -> Pose:
    """Turns (2 K, 4, 4) about a camera's y axis to either side, up to so many radians."""
    return _turns_to_either_side(min(max(round(most / TURN), LEAST_TURNS), MOST_TURNS))


@cache
def _turns_to_either_side(count: int) -> Pose:
    yaws = TURN * torch.tensor([k for k in range(-count, count + 1) if k], dtype=torch.float64)
    turns = so3_exp(yaws[:, None] * yaws.new_tensor([0.0, 1.0, 0.0]))
    poses: Pose = make_transform(turns, yaws.new_zeros(len(yaws), 3)).numpy()
    return poses


def _own_nats(fix: Fix) -> float:
    """What the frame itself says for a fix; its log-likelihood ratio may be that of many frames."""
    return fix.log_likelihood_ratio if fix.evidence is None else fix.evidence.nats


def _seen(fix: Fix) -> float:
    return 0.0 if fix.evidence is None else fix.evidence.seen
