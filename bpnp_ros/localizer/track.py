"""Where the camera was, and where it should be now: carried on at constant velocity."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.over_time.step import Pose, from_twist, lengths, twist
from bpnp_ros.localizer.types import Fix

SLACK_DEPTHS, SLACK_RADIANS = 0.04, 0.1  # for the errors of the fixes themselves

# a camera's turn changes faster than its way: rad about its y axis
_YAWS = torch.tensor([-0.2, -0.1, 0.1, 0.2], dtype=torch.float64)[:, None]
_TURNS = make_transform(
    so3_exp(_YAWS * torch.tensor([0.0, 1.0, 0.0])), torch.zeros(4, 3, dtype=torch.float64)
)


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
    odometry: Pose | None = None
    """T_odom_camera (4, 4) at the last fix, where there is odometry."""
    misses: int = 0

    def follow(
        self, pose: Pose, stamp: float, fix: Fix, keypoints: int, odometry: Pose | None = None
    ) -> None:
        """Take in a fix."""
        share = fix.inliers / keypoints
        elapsed = stamp - self.last_stamp
        if self.last is None or not 0 < elapsed < 1:
            self.motion = np.zeros(6)
        else:
            self.motion = twist(np.linalg.inv(self.last) @ pose) / elapsed
        self.share = share if self.last is None else 0.8 * self.share + 0.2 * share
        self.last, self.last_stamp, self.misses = pose, stamp, 0
        self.odometry = odometry

    def predictions(self, stamp: float, like: Tensor, odometry: Pose | None = None) -> Tensor:
        """Candidates (6 or 7, 4, 4) for a stamp: carried on, also turning otherwise, standing,
        and last as odometry says."""
        assert self.last is not None
        ahead = self.last @ from_twist(self.motion * min(self._elapsed(stamp), 1.0))
        starts = [ahead[None], ahead @ _TURNS.numpy(), self.last[None]]
        if odometry is not None and self.odometry is not None:
            starts.append((self.last @ np.linalg.inv(self.odometry) @ odometry)[None])
        return torch.from_numpy(np.concatenate(starts)).to(like)

    def reach(self, stamp: float, max_speed: float, max_turn_rate: float) -> tuple[float, float]:
        """How far the camera can have come since the last fix, metres and radians."""
        elapsed = self._elapsed(stamp)
        metres = max_speed * elapsed + SLACK_DEPTHS * self.depth
        return metres, max_turn_rate * elapsed + SLACK_RADIANS

    def moved(self, pose: Pose) -> tuple[float, float]:
        """How far a pose is from the last one, metres and radians."""
        assert self.last is not None
        return lengths(np.linalg.inv(self.last) @ pose)

    def _elapsed(self, stamp: float) -> float:
        return max(stamp - self.last_stamp, 0.0)
