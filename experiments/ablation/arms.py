"""The arms: the network and the training that are shipped, each with one thing changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from bpnp_ros.network.attention import AttentionBPnPNet
from bpnp_ros.network.attention_blocks import AttentionBlock
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.network.matching import MatchingNetwork
from experiments.ablation.cues import CueChannels
from training.datasets.crops import SimulatedCrops

POINTS = 64
"""Of a set in training, in all arms."""


@dataclass(frozen=True)
class Arm:
    """network: makes random weights. first: share of the curriculum that is skipped. with_cues: it
    is judged with cues as well."""

    network: Callable[[], MatchingNetwork] = AttentionBPnPNet
    first: float = 0.0
    with_cues: bool = False

    def source(self, progress: float) -> SimulatedCrops:
        """What to learn when a share of the budget is spent, 0 to 1."""
        return SimulatedCrops.at(max(self.first, progress), POINTS)


def _of_blocks(count: int) -> MatchingNetwork:
    network = AttentionBPnPNet()
    network.blocks = nn.ModuleList(AttentionBlock() for _ in range(count))
    return network


def _without_relative_geometry() -> MatchingNetwork:
    """Queries and keys are not turned by where their points are."""
    network = AttentionBPnPNet()
    for rotary in (network.shape_rotary, network.point_rotary):
        torch.nn.init.zeros_(rotary.frequencies)
        rotary.requires_grad_(False)
    return network


ARMS = {
    "as shipped": Arm(with_cues=True),
    "without relative geometry": Arm(_without_relative_geometry),
    "3 blocks instead of 5": Arm(partial(_of_blocks, 3)),
    "without curriculum": Arm(first=1.0),
    "the paper's network, with a dustbin": Arm(partial(BPnPNet, dustbin=True)),
    "channels for cues, left out of half the samples": Arm(CueChannels, with_cues=True),
}
