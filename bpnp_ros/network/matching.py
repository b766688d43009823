"""What every variant of BPnPNet takes and gives: two sets of points in, their matching out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from bpnp_ros.optimal_transport.sinkhorn import uniform_prior


class Matching(NamedTuple):
    """What BPnPNet says about a batch of B pairs of sets with M keypoints and N map points."""

    P: Tensor
    """(B, M, N) joint probability of each pair; sums to 1 in each item, 0 on padding."""
    distance: Tensor
    """(B, M, N) distance of the features, 0 to 2."""
    features_2d: Tensor
    """(B, M, C) unit feature of each keypoint."""
    features_3d: Tensor
    """(B, N, C) unit feature of each map point."""
    alignment: Tensor | None = None
    """(B, 3, 3) the T-net's matrix, applied to map points as row vectors; None without T-net."""
    log_plan: Tensor | None = None
    """(B, M + 1, N + 1) log-mass of pairs and, last, of being unmatched; None without dustbin."""


class MatchingNetwork(nn.Module, ABC):
    """A variant of BPnPNet. architecture: its name in the header of its weights."""

    architecture: ClassVar[str]

    @classmethod
    @abstractmethod
    def from_weights(cls, weights: dict[str, Tensor], bf16: bool = False) -> MatchingNetwork:
        """The network that these weights are of. Raises RuntimeError where they do not fit."""

    @property
    @abstractmethod
    def has_dustbin(self) -> bool:
        """Whether points may stay without a partner."""

    @abstractmethod
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
        """Match B keypoint sets with B point sets.

        p2d: (B, M, 2) keypoints on the z = 1 plane, padded at the end by repeating points.
        p3d: (B, N, 3) map points, padded likewise; metres, or whatever unit the weights learnt.
        num_points_2d, num_points_3d: (B,) or (B, 1) true counts.
        prior_2d, prior_3d: (B, M) and (B, N) mass of each point, summing to 1 with 0 on padding;
            uniform where not given.
        told: (B, M, N) what else is known of each pair, as a log-likelihood ratio in nats, such as
            what colours or classes say; it is added to the pair's score before Sinkhorn.
        Returns a Matching. A NaN coordinate makes its own item NaN.
        """


def true_points(counts: Tensor, points: Tensor) -> Tensor:
    """(B, N), which of the points (B, N, ...) are no padding; counts: (B,) or (B, 1)."""
    places = torch.arange(points.shape[1], device=points.device)
    return places < counts.to(points.device).reshape(-1, 1)


def prior_of(prior: Tensor | None, counts: Tensor, points: Tensor) -> Tensor:
    """(B, N) the prior as given, or the uniform one over the true points of (B, N, ...)."""
    return uniform_prior(counts.to(points.device), points.shape[1]) if prior is None else prior


def masses(prior: Tensor, counts: Tensor) -> Tensor:
    """(B, N), about 1 for each true point, which is what a dustbin's plan spreads."""
    return prior * counts.to(prior.device).reshape(-1, 1)


def joint_probability(log_plan: Tensor) -> Tensor:
    """(B, M, N), summing to 1, of the pairs in a plan with dustbins (B, M + 1, N + 1)."""
    return _as_one(log_plan[:, :-1, :-1].exp())


def partners(matching: Matching) -> Tensor:
    """How probably each keypoint shows each point and, last, none: (B, M, N + 1)."""
    if matching.log_plan is None:
        return torch.nn.functional.pad(matching.P * matching.P.shape[1], (0, 1))
    return matching.log_plan[:, :-1].exp()


def sharpened(P: Tensor, exponent: Tensor) -> Tensor:
    """Joint probabilities (B, M, N) to a power, summing to 1 again: likely pairs weigh more."""
    return _as_one(P.pow(exponent))


def _as_one(P: Tensor) -> Tensor:
    return P / P.sum((1, 2), keepdim=True).clamp_min(torch.finfo(P.dtype).tiny)
