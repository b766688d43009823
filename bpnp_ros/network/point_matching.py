"""Which map point a keypoint is, if the camera stands at a place and looks that way."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_NEAREST = 0.2
_SMALLEST_CHANCE = 0.01
_DECOMPOSED_WHOLE = 512  # smaller side of a matrix
_MORE_DIRECTIONS = 16  # projected on than are kept


class PointMatching(nn.Module):
    """Matches bearings with map points in sight of a place.

    A match is likely when the keypoint lies in the point's direction, within a learned angle that
    grows as the point comes near (a place stands for a whole cell of positions), and when the
    learned features of place and point say that the one is seen from the other.
    """

    points: Tensor

    def __init__(self, points: Tensor, places: int, features: int) -> None:
        super().__init__()
        self.register_buffer("points", points)
        self.point_feature = nn.Parameter(torch.randn(len(points), features) / features**0.5)
        self.place_feature = nn.Parameter(torch.randn(places, features))
        self.point_bias = nn.Parameter(torch.zeros(len(points)))
        self.log_angle = nn.Parameter(torch.tensor(0.03).log())
        self.log_reach = nn.Parameter(torch.tensor(0.15).log())
        self.log_clutter = nn.Parameter(torch.tensor(0.0))

    def forward(
        self, bearing: Tensor, position: Tensor, place: Tensor, points: Tensor | None = None
    ) -> Tensor:
        """Log-odds against clutter of each match, (H, M, K).

        bearing: (H, M, 3) unit, in the map's axes. position: (H, 3), where they are seen from.
        place: (H,) index. points: (K,) rows of the map, by default all.
        """
        rows = slice(None) if points is None else points
        return self.odds(bearing, position, self.seen(place)[:, rows], rows)

    def odds(
        self, bearing: Tensor, position: Tensor, seen: Tensor, points: Tensor | slice
    ) -> Tensor:
        """As `forward`, where it is known how likely points (K,) are seen, (H, K)."""
        towards = self.points[points] - position[:, None]
        distance = towards.norm(dim=-1).clamp_min(_NEAREST)
        cosine = bearing @ (towards / distance[..., None]).transpose(1, 2)
        variance = self.log_angle.exp() ** 2 + (self.log_reach.exp() / distance) ** 2
        level = seen - variance.log() - self.log_clutter
        return torch.addcmul(level[:, None], cosine - 1, (1 / variance)[:, None])

    def seen(self, place: Tensor) -> Tensor:
        """Log of the chance that a point is seen, roughly: places (H,) -> (H, N)."""
        return self.place_feature[place] @ self.point_feature.T + self.point_bias

    @torch.no_grad()
    def set_seen(self, chance: Tensor, clutter: float) -> None:
        """Start from the chance (A, N) that a place sees a point, and the density of clutter."""
        log_chance = chance.clamp_min(_SMALLEST_CHANCE).log()
        mean = log_chance.mean(dim=0)
        U, S, V = principal_part(log_chance - mean, self.point_feature.shape[1])
        root = S.sqrt()
        self.place_feature.zero_()[:, : len(S)] = U * root
        self.point_feature.zero_()[:, : len(S)] = V * root
        self.point_bias.copy_(mean)
        self.log_clutter.fill_(math.log(2 * math.pi * clutter))


def principal_part(matrix: Tensor, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """U (A, r), S (r,) and V (N, r) of the largest singular values of a matrix (A, N), r at most
    `rank`; of a large one by random projections (Halko et al. 2011), always the same."""
    rank = min(rank, *matrix.shape)
    if min(matrix.shape) <= _DECOMPOSED_WHOLE:
        U, S, Vh = torch.linalg.svd(matrix, full_matrices=False)
        return U[:, :rank], S[:rank], Vh[:rank].T
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        U, S, V = torch.svd_lowrank(matrix, rank + _MORE_DIRECTIONS, niter=4)
    return U[:, :rank], S[:rank], V[:, :rank]
