"""BPnPNet: match keypoints and map points from their positions alone (the paper's section 3)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from bpnp_ros.network.features import FeatureExtractor, pairwise_distance
from bpnp_ros.network.tnet import TNet
from bpnp_ros.optimal_transport.dustbin import dustbin_sinkhorn
from bpnp_ros.optimal_transport.sinkhorn import SinkhornSettings, sinkhorn, uniform_prior

DUSTBIN = "dustbin_distance"


class Matching(NamedTuple):
    """What BPnPNet says about a batch of B pairs of sets with M keypoints and N map points."""

    P: Tensor
    """(B, M, N) joint probability of each pair; sums to 1 in each item, 0 on padding."""
    distance: Tensor
    """(B, M, N) distance of the features, 0 to 2."""
    features_2d: Tensor
    """(B, M, 128) unit feature of each keypoint."""
    features_3d: Tensor
    """(B, N, 128) unit feature of each map point."""
    alignment: Tensor
    """(B, 3, 3) the T-net's matrix, applied to map points as row vectors."""
    log_plan: Tensor | None = None
    """(B, M + 1, N + 1) log-mass of pairs and, last, of being unmatched; None without dustbin."""


class BPnPNet(nn.Module):
    """Two streams of points, matched by Sinkhorn; names and shapes of weights as in the reference.

    true_points_only: leave padding out of context norm and of the T-net's maximum. The reference
        counts repeated points there, so its weights and published results want False.
    bf16: compute the residual blocks in bfloat16, all the rest as it comes.
    dustbin: let points stay without a partner, which the paper's network cannot; one weight more.
    """

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
        """The network that these weights are of. Raises RuntimeError where they do not fit."""
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
    ) -> Matching:
        """Match B keypoint sets with B point sets.

        p2d: (B, M, 2) keypoints on the z = 1 plane, padded at the end by repeating points.
        p3d: (B, N, 3) map points, padded likewise; metres, or whatever unit the weights learnt.
        num_points_2d, num_points_3d: (B,) or (B, 1) true counts.
        prior_2d, prior_3d: (B, M) and (B, N) mass of each point, summing to 1 with 0 on padding;
            uniform where not given.
        Returns a Matching. A NaN coordinate makes its own item NaN (in training mode the whole
        batch, through batch norm).
        """
        M, N = p2d.shape[1], p3d.shape[1]
        num_points_2d, num_points_3d = num_points_2d.to(p2d.device), num_points_3d.to(p3d.device)
        row_prior = uniform_prior(num_points_2d, M) if prior_2d is None else prior_2d
        column_prior = uniform_prior(num_points_3d, N) if prior_3d is None else prior_3d
        true_2d = _first(num_points_2d, M) if self.true_points_only else None
        true_3d = _first(num_points_3d, N) if self.true_points_only else None

        alignment = self.stn(p3d, true_3d)
        features_2d = self.FeatureExtractor2d(p2d, true_2d)
        features_3d = self.FeatureExtractor3d(p3d @ alignment, true_3d)
        distance = pairwise_distance(features_2d, features_3d)
        if self.has_dustbin:
            row_mass = row_prior * num_points_2d.reshape(-1, 1)
            column_mass = column_prior * num_points_3d.reshape(-1, 1)
            log_plan = self._with_dustbin(distance, row_mass, column_mass)
            P = log_plan[:, :-1, :-1].exp()
            P = P / P.sum((1, 2), keepdim=True).clamp_min(1e-9)
            return Matching(P, distance, features_2d, features_3d, alignment, log_plan)
        P = sinkhorn(distance, row_prior, column_prior, self.sinkhorn_settings)
        return Matching(P, distance, features_2d, features_3d, alignment)

    def _with_dustbin(self, distance: Tensor, row_mass: Tensor, column_mass: Tensor) -> Tensor:
        """Log-probabilities (B, M + 1, N + 1); each true point has a mass of about 1 to spread."""
        sharpness = self.sinkhorn_settings.sharpness
        unmatched = -sharpness * self.dustbin_distance
        return dustbin_sinkhorn(-sharpness * distance, unmatched, row_mass, column_mass)


def _first(counts: Tensor, length: int) -> Tensor:
    return torch.arange(length, device=counts.device) < counts.reshape(-1, 1, 1)
