"""BPnPNet with attention in place of context normalisation, for maps that it never saw.

The paper's streams see the other set only through Sinkhorn, and their own through mean and
variance. Here every block lets each point look at all points of its own set, by where they are
relative to it (rotary encoding, Su et al. 2021), and at all points of the other set, as in the
matchers that followed the paper (SuperGlue, LightGlue). Dustbin Sinkhorn and weighted PnP behind
it are the same.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from bpnp_ros.network.attention_blocks import (
    CHANNELS,
    AttentionBlock,
    FourierEncoder,
    RotaryEncoding,
)
from bpnp_ros.network.features import pairwise_distance
from bpnp_ros.network.matching import (
    Matching,
    MatchingNetwork,
    joint_probability,
    masses,
    prior_of,
    sharpened,
    true_points,
)
from bpnp_ros.optimal_transport.dustbin import dustbin_sinkhorn

BLOCKS = 5
SHARPNESS = (1.0, 25.0)
"""Limits of what the cosines of features are multiplied by."""


class AttentionBPnPNet(MatchingNetwork):
    """Keypoints and points attend to each other; always with a dustbin; padding changes nothing.

    P is the plan to a power, so that many unlikely pairs do not outweigh the likely ones where it
    is used as a whole; `pose_weights` gives weights that suit weighted PnP better.

    bf16: compute the blocks in bfloat16, all the rest as it comes.
    """

    architecture: ClassVar[str] = "bpnpnet_attention"

    def __init__(self, bf16: bool = False) -> None:
        super().__init__()
        self.bf16 = bf16
        self.keypoint_encoder = FourierEncoder(2, spread=2.0)
        self.shape_encoder = FourierEncoder(2, spread=1.0)
        self.frame_encoder = nn.Linear(3, CHANNELS)
        self.point_encoder = FourierEncoder(3, spread=1.0)
        self.shape_rotary = RotaryEncoding(2)
        self.point_rotary = RotaryEncoding(3)
        self.set_embedding = nn.Parameter(0.1 * torch.randn(2, CHANNELS))
        self.blocks = nn.ModuleList(AttentionBlock() for _ in range(BLOCKS))
        self.projection_2d = nn.Linear(CHANNELS, CHANNELS)
        self.projection_3d = nn.Linear(CHANNELS, CHANNELS)
        self.sharpness = nn.Parameter(torch.tensor(8.0))
        self.unmatched_score = nn.Parameter(torch.zeros(()))
        self.exponent = nn.Parameter(torch.tensor(4.0))

    @classmethod
    def from_weights(cls, weights: dict[str, Tensor], bf16: bool = False) -> AttentionBPnPNet:
        network = cls(bf16)
        network.load_state_dict(weights)
        return network

    @property
    def has_dustbin(self) -> bool:
        return True

    def forward(
        self,
        p2d: Tensor,
        p3d: Tensor,
        num_points_2d: Tensor,
        num_points_3d: Tensor,
        prior_2d: Tensor | None = None,
        prior_3d: Tensor | None = None,
        told: Tensor | None = None,
    ) -> Matching:
        true_2d, true_3d = true_points(num_points_2d, p2d), true_points(num_points_3d, p3d)
        x, y = self._attend(p2d, p3d, true_2d, true_3d)
        features_2d = normalize(self.projection_2d(x), dim=2)
        features_3d = normalize(self.projection_3d(y), dim=2)
        distance = pairwise_distance(features_2d, features_3d)
        scores = self.sharpness.clamp(*SHARPNESS) * (1 - distance.square() / 2)
        log_plan = dustbin_sinkhorn(
            scores if told is None else scores + told,
            self.unmatched_score,
            masses(prior_of(prior_2d, num_points_2d, p2d), num_points_2d),
            masses(prior_of(prior_3d, num_points_3d, p3d), num_points_3d),
        )
        P = sharpened(joint_probability(log_plan), self.exponent)
        return Matching(P, distance, features_2d, features_3d, log_plan=log_plan)

    def _attend(
        self, p2d: Tensor, p3d: Tensor, true_2d: Tensor, true_3d: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What each keypoint (B, M, C) and point (B, N, C) knows after the last block."""
        shape, frame = _shape_and_frame(p2d, true_2d)
        x, y = self._encoded(p2d, shape, frame, p3d)
        turns = self.shape_rotary(shape), self.point_rotary(p3d)
        with torch.autocast(p2d.device.type, torch.bfloat16, enabled=self.bf16):
            for block in self.blocks:
                x, y = block((x, y), turns, (true_2d, true_3d))
        return x.to(p2d.dtype), y.to(p3d.dtype)

    def _encoded(
        self, p2d: Tensor, shape: Tensor, frame: Tensor, p3d: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Keypoints (B, M, C) and points (B, N, C), each by itself."""
        x = self.keypoint_encoder(p2d) + self.shape_encoder(shape) + self.frame_encoder(frame)
        return x + self.set_embedding[0], self.point_encoder(p3d) + self.set_embedding[1]


def _shape_and_frame(p2d: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    """The keypoints (B, M, 2) about their mean in units of their spread, and (B, 1, 3) both."""
    share = (true / true.sum(1, keepdim=True).clamp_min(1))[:, :, None]
    centre = (share * p2d).sum(1, keepdim=True)
    spread = (share * (p2d - centre).square()).sum((1, 2), keepdim=True).clamp_min(1e-12).sqrt()
    return (p2d - centre) / spread, torch.cat([centre, spread.log()], dim=2)
