"""Where the camera should be now: the last fixes, carried on at constant velocity."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp, so3_log
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.types import Fix

Pose = NDArray[np.float64]

SLACK_METRES, SLACK_RADIANS = 0.15, 0.1  # for the errors of the fixes themselves

# a camera's turn changes faster than its way: rad about its y axis
_YAWS = torch.tensor([-0.2, -0.1, 0.1, 0.2], dtype=torch.float64)[:, None]
_TURNS = make_transform(
    so3_exp(_YAWS * torch.tensor([0.0, 1.0, 0.0])), torch.zeros(4, 3, dtype=torch.float64)
)


@dataclass
class Tracker:
    """Poses are T_map_camera (4, 4) in the recentred map; stamps are seconds."""

    last: Pose | None = None
    last_stamp: float = 0.0
    motion: Pose = field(default_factory=lambda: np.zeros(6))
    """(v, w) of the camera in its own frame, m/s and rad/s."""
    share: float = 0.0
    """Share of keypoints explained, a running mean."""
    misses: int = 0

    def follow(self, pose: Pose, stamp: float, fix: Fix, keypoints: int) -> None:
        """Take in a fix."""
        share = fix.inliers / keypoints
        elapsed = stamp - self.last_stamp
        if self.last is None or not 0 < elapsed < 1:
            self.motion = np.zeros(6)
        else:
            self.motion = _twist(np.linalg.inv(self.last) @ pose) / elapsed
        self.share = share if self.last is None else 0.8 * self.share + 0.2 * share
        self.last, self.last_stamp, self.misses = pose, stamp, 0

    def predictions(self, stamp: float, like: Tensor) -> Tensor:
        """Candidates (6, 4, 4) for a stamp: carried on, also turning otherwise, and standing."""
        assert self.last is not None
        elapsed = min(max(stamp - self.last_stamp, 0.0), 1.0)
        step = torch.from_numpy(self.motion * elapsed)
        last = torch.from_numpy(self.last)
        ahead = last @ make_transform(so3_exp(step[3:]), step[:3])
        turned = ahead @ _TURNS
        return torch.cat([ahead[None], turned, last[None]]).to(like)

    def within_reach(
        self, pose: Pose, stamp: float, max_speed: float, max_turn_rate: float
    ) -> bool:
        """Whether the camera can have come here since the last fix."""
        assert self.last is not None
        moved = _twist(np.linalg.inv(self.last) @ pose)
        elapsed = max(stamp - self.last_stamp, 0.0)
        near = np.linalg.norm(moved[:3]) <= max_speed * elapsed + SLACK_METRES
        return bool(near and np.linalg.norm(moved[3:]) <= max_turn_rate * elapsed + SLACK_RADIANS)


def _twist(T: Pose) -> Pose:
    """Translation and angle-axis of a transform, (6,)."""
    return np.concatenate([T[:3, 3], so3_log(torch.from_numpy(T[:3, :3])).numpy()])
