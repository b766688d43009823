"""What happens beside the training steps: progress, checkpoints, batches that cannot be used."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from training.common import progress_line
from training.common.progressing_module import ProgressingModule
from training.common.run_folder import BEST, LAST, METRICS

VALIDATION_LOSS = "val_loss"
_NONE_YET = (-1, float("inf"))
"""Stage and loss of the best epoch before the first."""


def _ours(module: LightningModule) -> ProgressingModule:
    assert isinstance(module, ProgressingModule)
    return module


class Progress(Callback):
    """A line for people and, once an epoch, one of JSON; ends the training when its budget is."""

    def __init__(self, folder: Path, steps_a_line: int) -> None:
        self.metrics, self.steps_a_line = folder / METRICS, steps_a_line

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        ours = _ours(module)
        self.seconds, self.samples, self.begun = ours.seconds, ours.samples, ours.progress

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *unused: Any) -> None:
        ours = _ours(module)
        if ours.progress >= 1:
            trainer.should_stop = True
        due = trainer.global_step % self.steps_a_line == 0 or trainer.should_stop
        if due and trainer.is_global_zero:
            progress_line.show(self._line(trainer, ours))

    def _line(self, trainer: Trainer, module: ProgressingModule) -> str:
        seconds = module.seconds - self.seconds
        rate = (module.samples - self.samples) / max(seconds, 1e-3)
        left = seconds * (1 - module.progress) / max(module.progress - self.begun, 1e-3)
        losses = "  ".join(f"{k} {v:.3f}" for k, v in _numbers(trainer, "_step").items())
        skipped = f"  {module.skipped} skipped" if module.skipped else ""
        return (
            f"{100 * module.progress:5.1f} %  {module.samples:,} {module.unit}  "
            f"{rate:.0f} {module.unit}/s  {left / 60:.1f} min left  {losses}{skipped}"
        )

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        ours = _ours(module)
        line = {
            "epoch": trainer.current_epoch,
            ours.unit: ours.samples,
            "seconds": round(ours.seconds, 1),
            "skipped": ours.skipped,
            **_numbers(trainer, "_epoch"),
        }
        if trainer.is_global_zero:
            with self.metrics.open("a") as file:
                file.write(json.dumps(line) + "\n")


def _numbers(trainer: Trainer, suffix: str) -> dict[str, float]:
    """Metrics of the last step or of the epoch, without their suffix, if finite."""
    hidden = {"_step": "_epoch", "_epoch": "_step"}[suffix]
    return {
        name.removesuffix(suffix): round(float(value), 5)
        for name, value in trainer.callback_metrics.items()
        if value.isfinite() and not name.endswith(hidden)
    }


class Keep(Callback):
    """Saves last.ckpt after every epoch and best.ckpt after the one of lowest validation loss.

    publish: writes what the run is for, after the best epoch so far, or when interrupted before
    there was one. Without validation the last epoch is the best.
    """

    def __init__(self, folder: Path, publish: Callable[[Any], None]) -> None:
        self.folder, self.publish = folder, publish
        self.best = _NONE_YET

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        improved = self._improved(trainer, _ours(module))
        for name in (LAST, BEST) if improved else (LAST,):
            save_checkpoint(trainer, self.folder / name)
        if improved and trainer.is_global_zero:
            self.publish(module)

    def _improved(self, trainer: Trainer, module: ProgressingModule) -> bool:
        loss = float(trainer.callback_metrics.get(VALIDATION_LOSS, -float("inf")))
        stage, lowest = self.best
        if module.stage < stage or (module.stage == stage and not loss <= lowest):
            return False
        self.best = (module.stage, loss)
        return True

    def state_dict(self) -> dict[str, Any]:
        return {"best": list(self.best)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        stage, loss = state_dict["best"]
        self.best = (stage, loss)

    def on_exception(self, trainer: Trainer, module: LightningModule, error: BaseException) -> None:
        interrupted = isinstance(error, KeyboardInterrupt)
        if interrupted and self.best == _NONE_YET and trainer.is_global_zero:
            self.publish(module)


def save_checkpoint(trainer: Trainer, path: Path) -> None:
    """All processes call this; `path` is replaced at once or not at all."""
    partial = path.with_name(path.name + ".partial")
    trainer.save_checkpoint(partial)
    if trainer.is_global_zero:
        os.replace(partial, path)


class SkipNonFinite(Callback):
    """A step whose gradient is not finite changes nothing, is counted and is reported.

    With several processes they all see the same averaged gradient, so all of them skip.
    """

    def __init__(self) -> None:
        self.statistics: list[Tensor] = []

    def on_train_batch_start(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        self.statistics = [buffer.clone() for buffer in _running_statistics(module)]

    def on_before_optimizer_step(
        self, trainer: Trainer, module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        gradients = [p.grad.norm() for p in module.parameters() if p.grad is not None]
        if not gradients or torch.stack(gradients).isfinite().all():
            return
        optimizer.zero_grad(set_to_none=True)
        for buffer, before in zip(_running_statistics(module), self.statistics, strict=True):
            buffer.copy_(before)
        ours = _ours(module)
        ours.skipped += 1
        if trainer.is_global_zero:
            print(f"step {trainer.global_step}: not a number; skipped", file=sys.stderr)


def _running_statistics(module: LightningModule) -> list[Tensor]:
    norms = [m for m in module.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    return [buffer for norm in norms for buffer in norm.buffers()]
