"""One image's keypoints as the stages of the localiser see them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.keypoints.keypoints import Keypoints

MOST_COARSE = 128
CROWDED = 0.08  # between keypoints, on the z = 1 plane


@dataclass(frozen=True, eq=False)
class Frame:
    """xy: (M, 2) on the z = 1 plane. sigma: of a keypoint, there. clutter: its prior share."""

    xy: Tensor
    score: Tensor
    frustum: Frustum
    sigma: float
    clutter: float

    @property
    def is_crowded(self) -> bool:
        """Whether keypoints lie so close together that a coarse search sees but a blur of them."""
        return (self.frustum.area / max(len(self.xy), 1)) ** 0.5 < CROWDED

    @classmethod
    def of(
        cls, keypoints: Keypoints, sigma_px: float, clutter: float, device: torch.device
    ) -> Frame:
        return cls(
            torch.from_numpy(keypoints.xy).to(device),
            torch.from_numpy(keypoints.score).to(device),
            keypoints.frustum,
            sigma_px * keypoints.frustum.pixel,
            clutter,
        )

    def coarse(self) -> Frame:
        """At most MOST_COARSE keypoints, evenly taken, for stages that try many poses."""
        stride = -(-len(self.xy) // MOST_COARSE)
        return Frame(
            self.xy[::stride], self.score[::stride], self.frustum, self.sigma, self.clutter
        )
