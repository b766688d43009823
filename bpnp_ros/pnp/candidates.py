"""The most probable pairs of a plan, best first, for RANSAC to draw from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]

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


class BatchOfPairs(NamedTuple):
    """K pairs of each of B items, most probable first; all tensors on the items' device."""

    keypoint: Tensor
    """(B, K) int64 row of the plan."""
    point: Tensor
    """(B, K) int64 column of the plan."""
    xy: Tensor
    """(B, K, 2)"""
    points: Tensor
    """(B, K, 3)"""
    is_pair: Tensor
    """(B, K): the rest has no probability, or is more than an item has candidates."""


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


def batch_of_pairs(
    P: Tensor, p2d: Tensor, p3d: Tensor, num_points_2d: Tensor, num_points_3d: Tensor
) -> BatchOfPairs:
    """The paper's candidates of all items: P (B, M, N) plan; p2d (B, M, 2); p3d (B, N, 3); counts
    (B,) or (B, 1)."""
    M, N = P.shape[1:]
    most = min(candidate_limit(M, N, M), M * N)
    probability, index = torch.topk(P.detach().flatten(1).nan_to_num(0), most)
    batch = torch.arange(len(P), device=P.device)[:, None]
    keypoint, point = (index // N, index % N) if N else (index, index)
    counts = torch.stack([num_points_2d.reshape(-1), num_points_3d.reshape(-1)], dim=1)
    own = (CANDIDATES_PER_POINT * counts).round().amin(dim=1, keepdim=True)
    limit = own.clamp(MIN_CANDIDATES, candidate_limit(M, M, M)).to(P.device)
    is_pair = (probability > 0) & (torch.arange(most, device=P.device) < limit)
    return BatchOfPairs(keypoint, point, p2d[batch, keypoint], p3d[batch, point], is_pair)


def likely_partners(P: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Of each keypoint of a plan P (M, N) the `count` likeliest points: rows and columns (K,), the
    most probable pairs first."""
    probability, point = P.nan_to_num(0).topk(min(count, P.shape[1]), dim=1)
    order = probability.flatten().argsort(descending=True)
    return order // max(point.shape[1], 1), point.flatten()[order]


def candidate_pairs(
    P: Tensor, p2d: Tensor, p3d: Tensor, num_points_2d: Tensor, num_points_3d: Tensor
) -> Iterator[tuple[Array, Array]]:
    """As `batch_of_pairs`, item by item: (K, 2) keypoints and (K, 3) points, best first. The whole
    batch leaves its device at once."""
    pairs = batch_of_pairs(P, p2d, p3d, num_points_2d, num_points_3d)
    columns = pairs.xy, pairs.points, pairs.is_pair[..., None]
    for rows in torch.cat([column.detach().double() for column in columns], dim=2).cpu().numpy():
        likely = rows[rows[:, 5] > 0]
        yield likely[:, :2], likely[:, 2:5]
