"""BPnPNet for one known map: keypoints in, matches with the map's points out, no prior needed.

Two learned layers. `Panorama` tells from all keypoints together which places and headings explain
them; `Sight` tells, for each of those, which map point each keypoint is. Their mixture goes through
Sinkhorn with a dustbin (Campbell et al., ECCV 2020, section 3.2, with a dustbin as its successors
have). The 3D side is a table of learned features, shipped with the map.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bpnp_ros.network.panorama import Panorama
from bpnp_ros.network.places import Places, level_bearings, turn_by_yaw
from bpnp_ros.network.sight import Sight
from bpnp_ros.optimal_transport.dustbin import dustbin_sinkhorn


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
    tilt_step: float = 0.14
    features: int = 32


@dataclass(frozen=True, eq=False)
class Hypotheses:
    """Where the camera may be, likeliest first. All tensors (B, H, ...).

    T_map_camera: (B, H, 4, 4), camera into the recentred map. log_probability: (B, H).
    place: (B, H) index. yaw_pitch_roll: (B, H, 3) rad, from the frame of the place.
    """

    T_map_camera: Tensor
    log_probability: Tensor
    place: Tensor
    yaw_pitch_roll: Tensor


class BPnPNetMap(nn.Module):
    """points: (N, 3) recentred map points, metres."""

    def __init__(self, points: Tensor, places: Places, size: NetworkSize | None = None) -> None:
        super().__init__()
        self.size = size or NetworkSize()
        self.places = places
        s = self.size
        self.panorama = Panorama(len(places), s.harmonics, s.bands, s.yaws, s.elevation)
        self.sight = Sight(points, len(places), s.features)

    def forward(self, xy: Tensor, mask: Tensor, hypotheses: int = 16) -> Tensor:
        """Log-probabilities of all matches and of staying alone, (B, M + 1, N + 1).

        xy: (B, M, 2) on the z = 1 plane. mask: (B, M), False on padding.
        """
        odds = self.match_odds(xy, mask, self.hypotheses(xy, mask, hypotheses))
        return dustbin_sinkhorn(odds, odds.new_zeros(()), row_weight=mask)

    def hypotheses(self, xy: Tensor, mask: Tensor, count: int) -> Hypotheses:
        """The likeliest poses: place, heading, pitch and roll of the grids of this network."""
        tilts = self.places.tilts(self.size.tilt_step)
        scores = torch.stack(
            [self.place_scores(xy, mask, tilt.expand(len(xy), 2)) for tilt in tilts]
        )
        yaws, B, A = scores.shape[1:]
        flat = scores.permute(2, 0, 1, 3).flatten(1)
        best, index = flat.topk(min(count, flat.shape[1]), dim=1)
        place, yaw = index % A, self.panorama.heading(index // A % yaws)
        turn = torch.cat([yaw[..., None], tilts[index // (A * yaws)]], dim=-1)
        poses = self.places.poses(place.flatten(), turn.flatten(0, 1)).view(B, -1, 4, 4)
        return Hypotheses(poses, best - flat.logsumexp(1, keepdim=True), place, turn)

    def place_scores(self, xy: Tensor, mask: Tensor, pitch_roll: Tensor) -> Tensor:
        """Unnormalised log-probability of each heading and place at pitch_roll (B, 2).

        Returns (yaws, B, A).
        """
        scores = self.panorama(level_bearings(xy, pitch_roll), mask)
        if self.places.any_yaw:
            return scores
        yaw = self.panorama.heading(torch.arange(self.size.yaws, device=xy.device))
        beyond = torch.atan2(yaw.sin(), yaw.cos()).abs() > self.places.tilt + torch.pi / len(yaw)
        return scores.masked_fill(beyond[:, None, None], -torch.inf)

    def match_odds(self, xy: Tensor, mask: Tensor, hypotheses: Hypotheses) -> Tensor:
        """Log-odds of each match against the keypoint staying alone, over hypotheses (B, M, N)."""
        items = [self._match_odds(xy[b], hypotheses, b) for b in range(len(xy))]
        return torch.stack(items) if items else xy.new_zeros(0, xy.shape[1], len(self.sight.points))

    def _match_odds(self, xy: Tensor, hypotheses: Hypotheses, b: int) -> Tensor:
        place, turn = hypotheses.place[b], hypotheses.yaw_pitch_roll[b]
        odds = self.sight_odds(xy.expand(len(place), -1, -1), place, turn)
        weight = hypotheses.log_probability[b].log_softmax(0)[:, None]
        alone = -torch.nn.functional.softplus(odds.logsumexp(dim=2))
        matched = (odds + (alone + weight)[..., None]).logsumexp(dim=0)
        return matched - (alone + weight).logsumexp(dim=0)[:, None]

    def sight_odds(self, xy: Tensor, place: Tensor, turn: Tensor) -> Tensor:
        """Log-odds of each match if the camera stands at places (H,), turned by (H, 3) rad.

        xy: (H, M, 2). Returns (H, M, N).
        """
        bearing = turn_by_yaw(level_bearings(xy, turn[:, 1:]), turn[:, 0])
        bearing = bearing @ self.places.frame[place].transpose(1, 2)
        return self.sight(bearing, self.places.position[place], place)
