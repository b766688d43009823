"""BPnPNet: match keypoints and map points from their positions alone (the paper's section 3)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from bpnp_ros.network.features import FeatureExtractor, pairwise_distance
from bpnp_ros.network.matching import (
    Matching,
    MatchingNetwork,
    joint_probability,
    masses,
    prior_of,
    true_points,
)
from bpnp_ros.network.tnet import TNet
from bpnp_ros.optimal_transport.dustbin import dustbin_sinkhorn
from bpnp_ros.optimal_transport.sinkhorn import SinkhornSettings, sinkhorn

DUSTBIN = "dustbin_distance"


class BPnPNet(MatchingNetwork):
    """Two streams of points, matched by Sinkhorn; names and shapes of weights as in the reference.

    true_points_only: leave padding out of context norm and of the T-net's maximum. The reference
        counts repeated points there, so its weights and published results want False.
    bf16: compute the residual blocks in bfloat16, all the rest as it comes.
    dustbin: let points stay without a partner, which the paper's network cannot; one weight more.
    """

    architecture: ClassVar[str] = "bpnpnet"

    def __init__(
        self,
        sinkhorn_settings: SinkhornSettings | None = None,
        true_points_only: bool = False,
        bf16: bool = False,
        dustbin: bool = False,
    ) -> None:
        super().__init__()
        self.stn = TNet()
        self.FeatureExtractor2d = FeatureExtractor(2, bf16)
        self.FeatureExtractor3d = FeatureExtractor(3, bf16)
        self.sinkhorn_settings = sinkhorn_settings or SinkhornSettings()
        self.true_points_only = true_points_only
        if dustbin:
            self.dustbin_distance = nn.Parameter(torch.ones(()))

    @classmethod
    def from_weights(cls, weights: dict[str, Tensor], bf16: bool = False) -> BPnPNet:
        network = cls(bf16=bf16, dustbin=DUSTBIN in weights)
        network.load_state_dict(weights)
        return network

    @property
    def has_dustbin(self) -> bool:
        """Whether points may stay without a partner."""
        return hasattr(self, DUSTBIN)

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
        """Match them; in training mode a NaN makes the whole batch NaN, through batch norm."""
        row_prior = prior_of(prior_2d, num_points_2d, p2d)
        column_prior = prior_of(prior_3d, num_points_3d, p3d)
        true_2d = self._counted(num_points_2d, p2d)
        true_3d = self._counted(num_points_3d, p3d)

        alignment = self.stn(p3d, true_3d)
        features_2d = self.FeatureExtractor2d(p2d, true_2d)
        features_3d = self.FeatureExtractor3d(p3d @ alignment, true_3d)
        distance = pairwise_distance(features_2d, features_3d)
        cost = distance if told is None else distance - told / self.sinkhorn_settings.sharpness
        if self.has_dustbin:
            row_mass = masses(row_prior, num_points_2d)
            column_mass = masses(column_prior, num_points_3d)
            log_plan = self._with_dustbin(cost, row_mass, column_mass)
            P = joint_probability(log_plan)
            return Matching(P, distance, features_2d, features_3d, alignment, log_plan)
        P = sinkhorn(cost, row_prior, column_prior, self.sinkhorn_settings)
        return Matching(P, distance, features_2d, features_3d, alignment)

    def _with_dustbin(self, cost: Tensor, row_mass: Tensor, column_mass: Tensor) -> Tensor:
        """Log-probabilities (B, M + 1, N + 1); each true point has a mass of about 1 to spread."""
        sharpness = self.sinkhorn_settings.sharpness
        unmatched = -sharpness * self.dustbin_distance
        return dustbin_sinkhorn(-sharpness * cost, unmatched, row_mass, column_mass)

    def _counted(self, counts: Tensor, points: Tensor) -> Tensor | None:
        """(B, 1, N), which points the statistics are over; None for all."""
        return true_points(counts, points)[:, None] if self.true_points_only else None
