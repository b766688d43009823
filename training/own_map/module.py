"""The training step for `bpnpnet_map`."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bpnp_ros.network.bpnpnet_map import BPnPNetMap
from bpnp_ros.simulation.virtual_views import VirtualViews
from training.common.progressing_module import ProgressingModule
from training.own_map.config import OwnMapConfig

_WARM_UP = 0.01
_FINAL_RATE = 0.02
_MATCHING_RATE = 2.0  # times the learning rate of the panoramas


class OwnMapTraining(ProgressingModule):
    """Two cross-entropies: over places and headings, and over map points and the dustbin."""

    unit = "views"

    def __init__(self, network: BPnPNetMap, config: OwnMapConfig) -> None:
        super().__init__(config.batch)
        self.network, self.config = network, config

    @property
    def progress(self) -> float:
        shares = [
            self.seconds / (60 * self.config.minutes) if self.config.minutes > 0 else 0.0,
            self.samples / self.config.views if self.config.views > 0 else 0.0,
        ]
        return min(max(shares), 1.0)

    def training_step(self, batch: tuple[VirtualViews, Tensor], index: int) -> Tensor:
        views, jitter = batch
        self._set_rate()
        place = self.network.places.nearest(views.T_map_camera)
        turn = self._turn_on_grid(views.T_map_camera, place, jitter)
        place_loss = self._place_loss(views, place, turn)
        match_loss, accuracy = self._match_loss(views, place, turn)
        self.report({"place": place_loss, "match": match_loss, "matched": accuracy})
        return place_loss + match_loss

    def _turn_on_grid(self, T_map_camera: Tensor, place: Tensor, jitter: Tensor) -> Tensor:
        """True turns as off as the grid of hypotheses leaves them: (B, 3) rad."""
        network = self.network
        turn = network.places.yaw_pitch_roll(T_map_camera, place)
        yaw = network.panorama.heading(network.panorama.nearest_heading(turn[:, :1]))
        tilts_a_side = math.sqrt(len(network.places.tilts(network.size.tilt_step)))
        pitch_roll = turn[:, 1:] + jitter * network.places.tilt / tilts_a_side
        return torch.cat([yaw, pitch_roll], dim=1)

    def _place_loss(self, views: VirtualViews, place: Tensor, turn: Tensor) -> Tensor:
        """Against some of the places, others in every step: all of them would take long."""
        compared, true_place = self._compared(place)
        scores = self.network.place_scores(views.xy, views.mask, turn[:, 1:], compared)
        yaw = self.network.panorama.nearest_heading(turn[:, 0])
        true = scores[yaw, torch.arange(len(place), device=place.device), true_place]
        return (scores.logsumexp(dim=2).logsumexp(dim=0) - true).mean()

    def _compared(self, place: Tensor) -> tuple[Tensor, Tensor]:
        """Rows of the true places and of others that were drawn, and where in them each true is."""
        generator = torch.Generator().manual_seed(self.config.seed + self.global_step)
        drawn = torch.randperm(len(self.network.places), generator=generator)
        some = torch.cat([place, drawn[: self.config.compared].to(place)])
        compared, row = some.unique(return_inverse=True)
        return compared, row[: len(place)]

    def _match_loss(
        self, views: VirtualViews, place: Tensor, turn: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Over a few keypoints of each view; they come in random order."""
        few = slice(0, self.config.matches)
        odds = self.network.matching_odds(views.xy[:, few], place, turn)
        unmatched = torch.zeros_like(odds[..., :1])
        logits = torch.cat([odds, unmatched], dim=2)[views.mask[:, few]]
        point = views.point[:, few][views.mask[:, few]]
        accuracy = (logits.argmax(dim=1) == point).float().mean()
        return torch.nn.functional.cross_entropy(logits, point), accuracy

    def configure_optimizers(self) -> torch.optim.Optimizer:
        groups = [
            {"params": list(self.network.panorama.parameters()), "factor": 1.0},
            {"params": list(self.network.point_matching.parameters()), "factor": _MATCHING_RATE},
        ]
        return torch.optim.Adam(groups, lr=self.config.learning_rate, betas=(0.9, 0.99))

    def _set_rate(self) -> None:
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress))
        share = min(self.progress / _WARM_UP, 1.0) * (_FINAL_RATE + (1 - _FINAL_RATE) * cosine)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.config.learning_rate * group["factor"] * share
