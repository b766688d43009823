"""BPnPNet for one known map: keypoints in, matches with the map's points out, no prior needed.

Two learned layers. `Panorama` tells from all keypoints together which places and headings explain
them; `PointMatching` tells, for each of those, which map point each keypoint is. Their mixture goes
through Sinkhorn with a dustbin (Campbell et al., ECCV 2020, section 3.2, with a dustbin as its
successors have). The 3D side is a table of learned features, shipped with the map.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bpnp_ros.network.panorama import Panorama
from bpnp_ros.network.places import Places, level_bearings, turn_by_yaw
from bpnp_ros.network.point_matching import PointMatching
from bpnp_ros.optimal_transport.dustbin import dustbin_sinkhorn

_OUT_OF_SIGHT = math.log(0.02)
_TINY = 1e-30


@dataclass(frozen=True)
class NetworkSize:
    """harmonics, bands: detail of a panorama in azimuth and elevation; yaws: headings told apart.

    elevation: panoramas reach this far up and down, rad. tilt_step: pitches and rolls tried, rad.
    features: learned numbers for each map point and place.
    """

    harmonics: int = 40
    bands: int = 24
    yaws: int = 96
    elevation: float = 0.85
    tilt_step: float = 0.1
    features: int = 48


@dataclass(frozen=True, eq=False)
class Hypotheses:
    """Where the camera may be, likeliest first. All tensors (B, H, ...).

    T_map_camera: (B, H, 4, 4), camera into the recentred map. log_probability: (B, H).
    place: (B, H) index. yaw_pitch_roll: (B, H, 3) rad, from the frame of the place.
    choices: (B,) from how many views these were chosen.
    """

    T_map_camera: Tensor
    log_probability: Tensor
    place: Tensor
    yaw_pitch_roll: Tensor
    choices: Tensor

    def over_chance(self) -> Tensor:
        """How many times as likely as one view picked at random the likeliest is (B,)."""
        return self.log_probability[:, 0].exp() * self.choices

    def likeliest(self, count: int) -> Hypotheses:
        """The first `count` of each item."""
        first = (slice(None), slice(count))
        return Hypotheses(
            self.T_map_camera[first],
            self.log_probability[first],
            self.place[first],
            self.yaw_pitch_roll[first],
            self.choices,
        )


class BPnPNetMap(nn.Module):
    """points: (N, 3) recentred map points, metres."""

    def __init__(self, points: Tensor, places: Places, size: NetworkSize | None = None) -> None:
        super().__init__()
        self.size = size or NetworkSize()
        self.places = places
        s = self.size
        self.panorama = Panorama(len(places), s.harmonics, s.bands, s.yaws, s.elevation)
        self.point_matching = PointMatching(points, len(places), s.features)

    def forward(self, xy: Tensor, mask: Tensor, hypotheses: int = 16) -> Tensor:
        """Log-probabilities of all matches and of being unmatched, (B, M + 1, N + 1).

        xy: (B, M, 2) on the z = 1 plane. mask: (B, M), False on padding.
        """
        return self.matches(xy, mask, self.hypotheses(xy, mask, hypotheses))

    def matches(self, xy: Tensor, mask: Tensor, hypotheses: Hypotheses) -> Tensor:
        """What `forward` returns, from hypotheses of the same frames."""
        odds = self.match_odds(xy, hypotheses)
        return dustbin_sinkhorn(odds, odds.new_zeros(()), row_weight=mask)

    def hypotheses(self, xy: Tensor, mask: Tensor, count: int) -> Hypotheses:
        """The likeliest poses: place, heading, pitch and roll of the grids of this network."""
        tilts = self.places.tilts(self.size.tilt_step)
        B, T, A = len(xy), len(tilts), len(self.places)
        scores = self.place_scores(
            xy.repeat_interleave(T, 0), mask.repeat_interleave(T, 0), tilts.repeat(B, 1)
        )
        flat = scores.view(-1, B, T * A).transpose(0, 1).flatten(1)
        best, index = _largest(flat, min(count, flat.shape[1]))
        place, yaw = index % A, self.panorama.heading(index // (T * A))
        turn = torch.cat([yaw[..., None], tilts[index // A % T]], dim=-1)
        poses = self.places.poses(place.flatten(), turn.flatten(0, 1)).view(B, -1, 4, 4)
        log_probability = best - _log_total(flat, best[:, :1])
        choices = torch.full_like(index[:, 0], flat.shape[1])
        if not self.places.any_yaw:
            choices = flat.isfinite().sum(1)
        return Hypotheses(poses, log_probability, place, turn, choices)

    def place_scores(
        self, xy: Tensor, mask: Tensor, pitch_roll: Tensor, places: Tensor | None = None
    ) -> Tensor:
        """Unnormalised log-probability of each heading and place at pitch_roll (B, 2).

        places: (A,) rows, by default all. Returns (yaws, B, A).
        """
        scores = self.panorama(level_bearings(xy, pitch_roll), mask, places)
        if self.places.any_yaw:
            return scores
        yaw = self.panorama.heading(torch.arange(self.size.yaws, device=xy.device))
        beyond = torch.atan2(yaw.sin(), yaw.cos()).abs() > self.places.tilt + torch.pi / len(yaw)
        return scores.masked_fill(beyond[:, None, None], -torch.inf)

    def match_odds(self, xy: Tensor, hypotheses: Hypotheses) -> Tensor:
        """Log-odds of each match against being unmatched, over hypotheses (B, M, N)."""
        odds = xy.new_zeros(len(xy), xy.shape[1], len(self.point_matching.points))
        for b in range(len(xy)):
            odds[b] = self._match_odds(xy[b], hypotheses, b)
        return odds

    def _match_odds(self, xy: Tensor, hypotheses: Hypotheses, b: int) -> Tensor:
        """The mixture of what each hypothesis says, over the points in sight of its place."""
        place, turn = hypotheses.place[b], hypotheses.yaw_pitch_roll[b]
        weight = hypotheses.log_probability[b].softmax(dim=0)
        matched = xy.new_full((len(self.point_matching.points), len(xy)), _TINY)
        unmatched = xy.new_full((len(xy),), _TINY)
        bearing = self._bearings(xy.expand(len(place), -1, -1), place, turn)
        seen = self.point_matching.seen(place)
        for h, in_sight in enumerate(seen > _OUT_OF_SIGHT):
            points, one = in_sight.nonzero()[:, 0], slice(h, h + 1)
            position, level = self.places.position[place[one]], seen[one, points]
            odds = self.point_matching.odds(bearing[one], position, level, points)[0].T
            share = torch.nn.functional.pad(odds, (0, 0, 0, 1)).softmax(dim=0) * weight[h]
            matched.index_add_(0, points, share[:-1])
            unmatched += share[-1]
        return (matched.log_() - unmatched.log()).T

    def matching_odds(
        self, xy: Tensor, place: Tensor, turn: Tensor, points: Tensor | None = None
    ) -> Tensor:
        """Log-odds of each match if the camera stands at places (H,), turned by (H, 3) rad.

        xy: (H, M, 2). points: (K,) rows of the map, by default all. Returns (H, M, K).
        """
        position, bearing = self.places.position[place], self._bearings(xy, place, turn)
        return self.point_matching(bearing, position, place, points)

    def _bearings(self, xy: Tensor, place: Tensor, turn: Tensor) -> Tensor:
        """Unit bearings (H, M, 3) in the map's axes."""
        bearing = turn_by_yaw(level_bearings(xy, turn[:, 1:]), turn[:, 0])
        return bearing @ self.places.frame[place].transpose(1, 2)


def _log_total(values: Tensor, largest: Tensor) -> Tensor:
    """logsumexp along rows (B, K) whose largest values (B, 1) are known, in pieces that stay in the
    processor's cache."""
    pieces = values.split(1 << 17, dim=1)
    parts = [(piece - largest).exp_().sum(dim=1, keepdim=True) for piece in pieces]
    return largest + torch.cat(parts, dim=1).sum(dim=1, keepdim=True).log()


def _largest(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """torch.topk along rows (B, K); looks only into the runs of values whose maximum is large."""
    run, rest = 64, values.shape[1] % 64
    runs = values[:, : values.shape[1] - rest].unflatten(1, (-1, run))
    few = runs.amax(2).topk(min(count, runs.shape[1]), dim=1).indices
    best = runs.gather(1, few[..., None].expand(-1, -1, run)).flatten(1)
    index = (few[..., None] * run + torch.arange(run, device=few.device)).flatten(1)
    last = torch.arange(values.shape[1] - rest, values.shape[1], device=few.device)
    best = torch.cat([best, values[:, last]], dim=1)
    index = torch.cat([index, last.expand(len(values), -1)], dim=1)
    best, row = best.topk(count, dim=1)
    return best, index.gather(1, row)
