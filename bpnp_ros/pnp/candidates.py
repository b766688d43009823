"""The most probable pairs of a plan, best first, for RANSAC to draw from."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

MAX_CANDIDATES = 1000
MIN_CANDIDATES = 10
CANDIDATES_PER_POINT = 1.5


class Candidates(NamedTuple):
    """K pairs of one item, most probable first."""

    keypoint: Tensor
    """(K,) int64 row of the plan."""
    point: Tensor
    """(K,) int64 column of the plan."""
    probability: Tensor
    """(K,) entry of the plan, > 0."""


def candidate_limit(m: int, n: int, padded: int) -> int:
    """How many pairs the paper's code takes from m keypoints and n map points (true counts).

    padded: the common number of keypoints of the batch, padding included.
    """
    most = min(MAX_CANDIDATES, round(CANDIDATES_PER_POINT * padded))
    own = min(most, round(CANDIDATES_PER_POINT * m), round(CANDIDATES_PER_POINT * n))
    return max(own, MIN_CANDIDATES)


def most_probable_pairs(P: Tensor, limit: int) -> Candidates:
    """Up to `limit` pairs of a plan P (M, N), or of any table of scores where only > 0 counts.

    Pairs without probability (padding, NaN) are never candidates, so there may be fewer, or none.
    """
    flat = P.detach().flatten().nan_to_num(0)
    probability, index = torch.topk(flat, min(limit, len(flat)))
    index = index[probability > 0]
    return Candidates(index // P.shape[1], index % P.shape[1], probability[: len(index)])


def select_candidates(P: Tensor, num_points_2d: Tensor, num_points_3d: Tensor) -> list[Candidates]:
    """The paper's candidates of each item of P (B, M, N); counts are (B,) or (B, 1)."""
    counts = zip(num_points_2d.flatten().tolist(), num_points_3d.flatten().tolist(), strict=True)
    limits = [candidate_limit(m, n, P.shape[1]) for m, n in counts]
    return [most_probable_pairs(plan, limit) for plan, limit in zip(P, limits, strict=True)]
