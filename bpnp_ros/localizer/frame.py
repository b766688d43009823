"""One image's keypoints as the stages of the localiser see them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.keypoints.keypoints import Keypoints

MOST_COARSE = 128
CROWDED = 0.08  # between keypoints, on the z = 1 plane


@dataclass(frozen=True, eq=False)
class Frame:
    """xy: (M, 2) on the z = 1 plane. sigma: of a keypoint, there. clutter: its prior share.

    pairs: (M, N) what cues say of each keypoint and map point, nats; None where there are none.
    """

    xy: Tensor
    score: Tensor
    frustum: Frustum
    sigma: float
    clutter: float
    pairs: Tensor | None = None

    @property
    def is_crowded(self) -> bool:
        """Whether keypoints lie so close together that a coarse search sees but a blur of them."""
        return (self.frustum.area / max(len(self.xy), 1)) ** 0.5 < CROWDED

    @classmethod
    def of(
        cls,
        keypoints: Keypoints,
        sigma_px: float,
        clutter: float,
        device: torch.device,
        pairs: NDArray[np.float32] | None = None,
    ) -> Frame:
        return cls(
            torch.from_numpy(keypoints.xy).to(device),
            torch.from_numpy(keypoints.score).to(device),
            keypoints.frustum,
            sigma_px * keypoints.frustum.pixel,
            clutter,
            None if pairs is None else torch.from_numpy(pairs).to(device),
        )

    def coarse(self) -> Frame:
        """What stages look at that try many poses."""
        return self.at_most(MOST_COARSE)

    def at_most(self, count: int) -> Frame:
        """So many keypoints at most, evenly taken."""
        stride = -(-len(self.xy) // count)
        pairs = None if self.pairs is None else self.pairs[::stride]
        return replace(self, xy=self.xy[::stride], score=self.score[::stride], pairs=pairs)
