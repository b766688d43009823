"""What a run leaves behind: config.yaml, metrics.jsonl, last.ckpt, and the bundle so far."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from training.module import OwnMapTraining

CONFIG = "config.yaml"
CHECKPOINT = "last.ckpt"
_STEPS_A_LINE = 20


class Progress(Callback):
    """A line for people and, once an epoch, one of JSON; ends the training when its budget is."""

    def __init__(self, folder: Path) -> None:
        self.metrics = folder / "metrics.jsonl"

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, OwnMapTraining)
        self.seconds, self.views = module.seconds, module.views

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, *unused: Any
    ) -> None:
        assert isinstance(module, OwnMapTraining)
        if module.progress >= 1:
            trainer.should_stop = True
        if trainer.global_step % _STEPS_A_LINE == 0 or trainer.should_stop:
            end = "\r" if sys.stdout.isatty() else "\n"
            print(self._line(trainer, module), end=end, flush=True)

    def _line(self, trainer: lightning.Trainer, module: OwnMapTraining) -> str:
        rate = (module.views - self.views) / max(module.seconds - self.seconds, 1e-3)
        left = module.seconds * (1 / max(module.progress, 1e-3) - 1)
        losses = "  ".join(f"{k} {float(v):.3f}" for k, v in trainer.callback_metrics.items())
        return (
            f"{100 * module.progress:5.1f} %  {module.views:,} views  {rate:.0f} views/s  "
            f"{left / 60:.1f} min left  {losses}"
        )

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        assert isinstance(module, OwnMapTraining)
        values = {name: round(float(value), 5) for name, value in trainer.callback_metrics.items()}
        line = {"views": module.views, "seconds": round(module.seconds, 1), **values}
        with self.metrics.open("a") as file:
            file.write(json.dumps(line) + "\n")


class KeepWhatThereIs(Callback):
    """Saves checkpoint and bundle after every epoch, the bundle also when interrupted."""

    def __init__(self, folder: Path, save_bundle: Callable[[OwnMapTraining], None]) -> None:
        self.checkpoint, self.save_bundle = folder / CHECKPOINT, save_bundle

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        assert isinstance(module, OwnMapTraining)
        trainer.save_checkpoint(self.checkpoint)
        self.save_bundle(module)

    def on_exception(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, error: BaseException
    ) -> None:
        if isinstance(error, KeyboardInterrupt) and isinstance(module, OwnMapTraining):
            self.save_bundle(module)
