"""Where a lost camera may be, and what that is judged by."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.over_time.step import Pose


@dataclass(frozen=True, eq=False)
class View:
    """A frame that counts, and where the camera was then by its own reckoning, (4, 4)."""

    frame: Frame
    T_start_camera: Pose


@dataclass(frozen=True, eq=False)
class Places:
    """Where the camera may be now. poses: (H, 4, 4) in the recentred map. now, past: what the
    present frame (H,) and the views (H, K) say for each, nats."""

    poses: Tensor
    now: Tensor
    past: Tensor

    def __len__(self) -> int:
        return len(self.poses)

    def select(self, rows: Tensor) -> Places:
        return Places(self.poses[rows], self.now[rows], self.past[rows])

    def joined(self, other: Places) -> Places:
        return Places(
            torch.cat([self.poses, other.poses]),
            torch.cat([self.now, other.now]),
            torch.cat([self.past, other.past]),
        )


@dataclass(frozen=True, eq=False)
class Way:
    """How the camera has come: its reckoning, its last step and how sure that is."""

    stamp: float
    T_start_camera: Pose
    odometry: Pose | None = None
    velocity: Pose | None = None
    """(6,) m/s and rad/s in the camera's frame, where odometry does not tell."""
