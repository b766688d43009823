"""A short training of one arm."""

from __future__ import annotations

import math
import time

import torch

from bpnp_ros.network.matching import MatchingNetwork
from experiments.ablation.arms import POINTS, Arm
from experiments.ablation.cues import CueChannels, made_up
from experiments.gpu_check.learning import step
from training.datasets.sample import collate
from training.datasets.source import Epoch

BATCH, RATE, LAST_RATE, WARM_UP = 8, 1e-3, 2e-5, 40


def trained(arm: Arm, seed: int, samples: int) -> tuple[MatchingNetwork, float]:
    """The network after so many samples, and the seconds of the processor that they took.

    The samples of a seed are the same in all arms that learn from the same sets.
    """
    torch.manual_seed(seed)
    network = arm.network().train()
    adam = torch.optim.AdamW(network.parameters(), RATE)
    begin = time.process_time()
    for number in range(samples // BATCH):
        progress = number * BATCH / samples
        drawn = Epoch(arm.source(progress), seed, epoch=number, most_points=POINTS)
        batch = collate([drawn[i] for i in range(BATCH)], POINTS)
        if isinstance(network, CueChannels):
            network.cues = made_up(batch, seed=number)
        for group in adam.param_groups:
            group["lr"] = _rate(progress, number)
        step(network, adam, batch)
    return network.eval(), time.process_time() - begin


def _rate(progress: float, number: int) -> float:
    """Rising at first, then falling along a cosine."""
    fall = 0.5 + 0.5 * math.cos(math.pi * progress)
    return min((number + 1) / WARM_UP, 1) * (LAST_RATE + (RATE - LAST_RATE) * fall)
