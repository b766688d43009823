"""What every training of ours can tell: how long it took, how far it is, what it had to skip."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import Any

import lightning
from torch import Tensor


class ProgressingModule(lightning.LightningModule, ABC):
    """batch: samples a step, over all processes. unit: what people call them.

    first_epoch: where a run that has no checkpoint of its own begins.
    """

    unit = "samples"

    def __init__(self, batch: int, first_epoch: int = 0) -> None:
        super().__init__()
        self.batch, self.first_epoch = batch, first_epoch
        self.skipped = 0
        self.seconds_before = 0.0
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time spent in training, over all runs that were resumed."""
        return self.seconds_before + time.monotonic() - self.started

    @property
    def samples(self) -> int:
        return self.global_step * self.batch

    @property
    @abstractmethod
    def progress(self) -> float:
        """Share of the budget that is spent, 0 to 1."""

    @property
    def stage(self) -> int:
        """Validation losses compare within a stage; a later one counts more."""
        return 0

    def report(self, values: dict[str, Tensor]) -> None:
        """Log figures of a training step, the last one's and the epoch's mean of finite ones."""
        finite = {name: value for name, value in values.items() if value.isfinite()}
        self.log_dict(finite, on_step=True, on_epoch=True, batch_size=self.batch)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["seconds"], checkpoint["skipped"] = self.seconds, self.skipped

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.seconds_before = float(checkpoint["seconds"])
        self.skipped = int(checkpoint.get("skipped", 0))
        self.started = time.monotonic()
