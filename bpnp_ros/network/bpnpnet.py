"""BPnPNet: match keypoints and map points from their positions alone (the paper's section 3)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from bpnp_ros.network.features import FeatureExtractor, pairwise_distance
from bpnp_ros.network.tnet import TNet
from bpnp_ros.optimal_transport.sinkhorn import SinkhornSettings, sinkhorn, uniform_prior


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


class BPnPNet(nn.Module):
    """Two streams of points, matched by Sinkhorn; names and shapes of weights as in the reference.

    true_points_only: leave padding out of context norm and of the T-net's maximum. The reference
        counts repeated points there, so its weights and published results want False.
    bf16: compute the residual blocks in bfloat16, all the rest as it comes.
    """

    def __init__(
        self,
        sinkhorn_settings: SinkhornSettings | None = None,
        true_points_only: bool = False,
        bf16: bool = False,
    ) -> None:
        super().__init__()
        self.stn = TNet()
        self.FeatureExtractor2d = FeatureExtractor(2, bf16)
        self.FeatureExtractor3d = FeatureExtractor(3, bf16)
        self.sinkhorn_settings = sinkhorn_settings or SinkhornSettings()
        self.true_points_only = true_points_only

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
        P = sinkhorn(distance, row_prior, column_prior, self.sinkhorn_settings)
        return Matching(P, distance, features_2d, features_3d, alignment)


def _first(counts: Tensor, length: int) -> Tensor:
    return torch.arange(length, device=counts.device) < counts.reshape(-1, 1, 1)
