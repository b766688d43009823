"""Made-up cues, and two ways to use them: as channels of the network, or beside its match odds.

A cue is a vector in units of its noise, as in `bpnp_ros.localizer.cues`: a keypoint's differs from
that of its point by a standard normal one. Here it is one of a few colours of the scene.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bpnp_ros.network.attention import AttentionBPnPNet
from bpnp_ros.network.attention_blocks import CHANNELS as WIDTH
from training.datasets.sample import Batch

CHANNELS = 3
COLOURS, SPREAD, SHADE = 6, 1.5, 0.5
"""How many colours a scene has, their standard deviation, and that of points of one colour."""
DROPPED = 0.5  # share of samples whose cues are not known, in training
OUTLIERS = 0.1  # share of true pairs whose cue says nothing


class Cues(NamedTuple):
    """Of keypoints (B, M, CHANNELS) and points (B, N, CHANNELS)."""

    keypoints: Tensor
    points: Tensor


def made_up(batch: Batch, seed: int) -> Cues:
    """For the samples of a batch, whose pairs are known."""
    random = torch.Generator().manual_seed(seed)
    B, M = batch.p2d.shape[:2]
    colours = SPREAD * torch.randn(B, COLOURS, CHANNELS, generator=random)
    of_keypoints, of_points = (_painted(colours, n, random) for n in (M, batch.p3d.shape[1]))
    partner = batch.partner.clamp_min(0)[..., None].expand(-1, -1, CHANNELS)
    shown = (batch.partner >= 0)[..., None]
    points = of_keypoints.gather(1, partner).where(shown, of_points)
    return Cues(of_keypoints + torch.randn(B, M, CHANNELS, generator=random), points)


def _painted(colours: Tensor, count: int, random: torch.Generator) -> Tensor:
    """Points (B, count, CHANNELS), each of one of the colours (B, COLOURS, CHANNELS)."""
    B = len(colours)
    which = torch.randint(COLOURS, (B, count), generator=random)
    shade = SHADE * torch.randn(B, count, CHANNELS, generator=random)
    return colours[torch.arange(B)[:, None], which] + shade


def told(cues: Cues) -> Tensor:
    """(B, M, N) how much likelier each point makes each keypoint's cue than any point, nats."""
    density = (-0.5 * torch.cdist(cues.keypoints, cues.points).square()).exp()
    likelier = density / density.mean(dim=2, keepdim=True).clamp_min(math.exp(-8))
    return ((1 - OUTLIERS) * likelier + OUTLIERS).log()


class CueChannels(AttentionBPnPNet):
    """The network with the values of cues, and whether they are known, among its inputs.

    cues: of the sets that it is about to match; None: not known.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cue_encoder = nn.Sequential(
            nn.Linear(CHANNELS + 1, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH)
        )
        self.cues: Cues | None = None

    def _encoded(
        self, p2d: Tensor, shape: Tensor, frame: Tensor, p3d: Tensor
    ) -> tuple[Tensor, Tensor]:
        x, y = super()._encoded(p2d, shape, frame, p3d)
        of_keypoints, of_points = (_unknown(s) for s in (p2d, p3d))
        if self.cues is not None:
            dropped = torch.rand(len(p2d), 1, 1) < DROPPED * self.training
            of_keypoints, of_points = (_known(s).masked_fill(dropped, 0) for s in self.cues)
        return x + self.cue_encoder(of_keypoints), y + self.cue_encoder(of_points)


def _unknown(points: Tensor) -> Tensor:
    return points.new_zeros(*points.shape[:2], CHANNELS + 1)


def _known(values: Tensor) -> Tensor:
    """A last channel says that the others are known."""
    return torch.cat([values, torch.ones_like(values[..., :1])], dim=2)
