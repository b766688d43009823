"""The training step for `bpnpnet`: the paper's losses through both implicit layers."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from bpnp_ros.errors import WeightsError
from bpnp_ros.network.matching import Matching, MatchingNetwork
from bpnp_ros.network.pose_weights import pose_weights
from bpnp_ros.pnp.losses import (
    batch_has_pose,
    correspondence_loss,
    log_likelihood_loss,
    pose_loss,
    total_loss,
)
from bpnp_ros.pnp.ransac import initial_poses
from bpnp_ros.pnp.weighted_pnp import weighted_pnp
from training.common.fit import RANK, WORLD
from training.common.progressing_module import ProgressingModule
from training.datasets.crops import SimulatedCrops
from training.datasets.sample import Batch, Sample, collate
from training.datasets.source import Epoch, Source, batches_of_epoch
from training.paper.checkpoints import ARCHITECTURE
from training.paper.config import PaperConfig

OVERFIT_STEPS = 50


class PaperTraining(ProgressingModule):
    """Lc, and from the epoch `poseloss` on Lc + gamma Lp (Campbell et al., section 3.4).

    A network with a dustbin learns the log-likelihood of matches and dustbins in place of Lc.
    adam: the state of the optimiser that a checkpoint of the paper's code brings along.
    """

    def __init__(
        self,
        network: MatchingNetwork,
        config: PaperConfig,
        steps: int,
        adam: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(config.batch, config.start_epoch)
        self.network, self.config, self.steps, self.adam = network, config, steps, adam
        self.average = _averaged(network, config.average) if config.average else None

    @property
    def result(self) -> MatchingNetwork:
        """What the training is for: the average of the weights where there is one."""
        if self.average is None:
            return self.network
        average = self.average.module
        assert isinstance(average, MatchingNetwork)
        return average

    @property
    def progress(self) -> float:
        epochs = self.first_epoch + self.global_step / self.steps
        return min(epochs / self.config.epochs, 1.0)

    @property
    def stage(self) -> int:
        """1 once the pose loss counts."""
        return int(self.current_epoch >= self.config.poseloss)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        losses = self.losses(batch)
        self.report(losses)
        return losses["loss"]

    def on_train_batch_end(self, *unused: Any) -> None:
        if self.average:
            self.average.update_parameters(self.network)

    def validation_step(self, batch: Batch, index: int) -> None:
        losses = {f"val_{name}": value for name, value in self.losses(batch).items()}
        self.log_dict(losses, batch_size=len(batch.R), sync_dist=WORLD > 1)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The total under `loss`, and its parts."""
        counts = batch.num_points_2d, batch.num_points_3d
        matching: Matching = self.network(*batch.inputs(self.config.detectability))
        P, correspondence = matching.P, correspondence_loss(matching.P, batch.C)
        matched = correspondence
        if matching.log_plan is not None:
            matched = log_likelihood_loss(matching.log_plan, batch.C, *batch.true_points)
        if not self.stage or not batch_has_pose(*counts):
            return {"loss": matched, "Lc": correspondence}
        theta0, _ = initial_poses(P, batch.p2d, batch.p3d, *counts)
        W = pose_weights(matching, batch.p2d, batch.p3d, theta0)
        theta = weighted_pnp(W, batch.p2d, batch.p3d, theta0)
        pose = pose_loss(theta, batch.R, batch.t)
        return {
            "loss": total_loss(matched, pose, self.config.gamma),
            "Lc": correspondence,
            "rotation_deg": torch.rad2deg(pose.rotation),
            "translation": pose.translation,
        }

    def configure_optimizers(self) -> OptimizerLRScheduler:
        config = self.config
        adam = torch.optim.Adam(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        if self.adam is not None:
            try:
                adam.load_state_dict(self.adam)
            except (KeyError, TypeError, ValueError) as error:
                raise WeightsError(f"the checkpoint's optimiser does not fit: {error}") from error
        schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda _: self._share_of_rate())
        return {
            "optimizer": adam,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _share_of_rate(self) -> float:
        fall = 0.5 - 0.5 * math.cos(math.pi * self.progress)
        rise = min((self.global_step + 1) / max(self.config.warm_up, 1), 1)
        return rise * (1 - fall * (1 - self.config.final_rate))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint[ARCHITECTURE] = self.network.architecture


def _averaged(network: MatchingNetwork, kept: float) -> AveragedModel:
    """A running average of the weights, to begin with as they are; buffers likewise."""
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(kept), use_buffers=True)


def steps_an_epoch(samples: int, config: PaperConfig) -> int:
    return OVERFIT_STEPS if config.overfit else -(-samples // config.batch)


class PaperData(lightning.LightningDataModule):
    """Batches of whatever epoch the training is in; one sample at a time for validation."""

    def __init__(self, module: PaperTraining, learn: Source, check: Source, workers: int) -> None:
        super().__init__()
        self.module, self.learn, self.check, self.workers = module, learn, check, workers

    def train_dataloader(self) -> DataLoader[Sample]:
        config, epoch = self.module.config, self.module.current_epoch
        epoch = 0 if config.overfit else epoch
        learn, points = self.learn, config.num_points_train
        if config.curriculum:
            learn = SimulatedCrops.at(self.module.progress, points)
            points = learn.most
        samples = Epoch(learn, config.seed, epoch, points)
        batches = batches_of_epoch(len(samples), config.batch, config.seed, epoch, RANK, WORLD)
        if config.overfit:
            batches = batches[:1] * OVERFIT_STEPS
        return DataLoader(
            samples,
            batch_sampler=batches,
            collate_fn=partial(collate, length=points),
            num_workers=self.workers,
        )

    def val_dataloader(self) -> DataLoader[Sample]:
        samples = Epoch(self.check, self.module.config.seed)
        rows = [[i] for i in range(RANK, len(samples), WORLD)]
        return DataLoader(samples, batch_sampler=rows, collate_fn=collate, num_workers=self.workers)
