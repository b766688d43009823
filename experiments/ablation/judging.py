"""How good a network is on problems that it was not trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.evaluation.pose_errors import rotation_error_deg, translation_error
from bpnp_ros.network.matching import MatchingNetwork
from bpnp_ros.pnp.losses import log_likelihood_loss
from bpnp_ros.pnp.ransac import RansacSettings, initial_poses
from experiments.ablation.cues import CueChannels, made_up, told
from training.datasets.sample import Batch, collate
from training.datasets.source import Epoch
from training.datasets.words import open_set

RATES = (0.0, 0.5, 0.75)
MOST_POINTS, AT_ONCE = 128, 16
SETTINGS = RansacSettings(max_iterations=2000, min_iterations=200)
WITHIN = (2.0, 0.1)  # deg, units

Figures = dict[str, float]
"""`loss <problems>` and `recall <problems>`."""


@dataclass(frozen=True)
class Ways:
    """Of using cues: as channels of a network that has them, beside its match odds, or both."""

    as_channels: bool = False
    beside: bool = False


class Problems:
    """Batches of held-out problems by what they are called: data set and share unmatched."""

    def __init__(self, scenes: Path | None, count: int) -> None:
        """scenes: folder with an `sfm` data set, to judge on real scenes as well."""
        sets = {"simulated": Path(), **({} if scenes is None else {"sfm": scenes})}
        self.by_name = {
            f"{word}, {rate:.0%}": list(_some(folder, word, rate, count))
            for word, folder in sets.items()
            for rate in RATES
        }

    @torch.no_grad()
    def figures(self, network: MatchingNetwork, ways: Ways) -> Figures:
        """Means over the problems: minus the log-likelihood, and recall of LO-RANSAC."""
        figures: Figures = {}
        for name, batches in self.by_name.items():
            losses, found = zip(
                *(_judged(network, batch, ways, seed) for seed, batch in enumerate(batches)),
                strict=True,
            )
            figures[f"loss {name}"] = float(np.mean(losses))
            figures[f"recall {name}"] = float(torch.cat(found).float().mean())
        return figures


def _some(folder: Path, word: str, rate: float, count: int) -> Iterator[Batch]:
    drawn = Epoch(open_set(folder, word, "test", rate), seed=0, most_points=MOST_POINTS)
    rows = np.linspace(0, len(drawn) - 1, min(count, len(drawn))).astype(int)
    for part in np.array_split(rows, -(-len(rows) // AT_ONCE)):
        yield collate([drawn[int(i)] for i in part])


def _judged(network: MatchingNetwork, batch: Batch, ways: Ways, seed: int) -> tuple[float, Tensor]:
    """The loss, and which poses (B,) are right."""
    cues = made_up(batch, seed)
    if isinstance(network, CueChannels):
        network.cues = cues if ways.as_channels else None
    sets = batch.inputs(detectability=False)
    matching = network(*sets, told=told(cues) if ways.beside else None)
    loss = log_likelihood_loss(matching.log_plan, batch.C, *batch.true_points)
    theta, found = initial_poses(matching.P, *batch[:4], SETTINGS)
    turned, moved = rotation_error_deg(theta, batch.R), translation_error(theta, batch.t)
    return float(loss), found & (turned < WITHIN[0]) & (moved < WITHIN[1])
