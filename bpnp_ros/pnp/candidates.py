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


def candidate_pairs(
    P: Tensor, p2d: Tensor, p3d: Tensor, num_points_2d: Tensor, num_points_3d: Tensor
) -> Iterator[tuple[Array, Array]]:
    """The paper's candidates of each item, (K, 2) keypoints and (K, 3) points, best first.

    P: (B, M, N) plan; p2d: (B, M, 2); p3d: (B, N, 3); counts are (B,) or (B, 1). The whole batch
    leaves its device at once.
    """
    M, N = P.shape[1:]
    most = min(candidate_limit(M, N, M), M * N)
    probability, index = torch.topk(P.flatten(1).nan_to_num(0), most)
    batch = torch.arange(len(P), device=P.device)[:, None]
    keypoint, point = (index // N, index % N) if N else (index, index)
    columns = p2d[batch, keypoint], p3d[batch, point], probability[..., None]
    pairs = torch.cat([column.detach().double() for column in columns], dim=2)
    counts = torch.cat([num_points_2d.reshape(-1, 1), num_points_3d.reshape(-1, 1)], dim=1)
    for rows, (m, n) in zip(pairs.cpu().numpy(), counts.tolist(), strict=True):
        likely = rows[: candidate_limit(m, n, M)]
        likely = likely[likely[:, 5] > 0]
        yield likely[:, :2], likely[:, 2:5]
