"""Lightning's loop, set up the same way for every training of ours."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from bpnp_ros.errors import WeightsError
from training.common.callbacks import Progress, SkipNonFinite
from training.common.progressing_module import ProgressingModule
from training.common.run_folder import LAST, TENSORBOARD, read_checkpoint

RANK = int(os.environ.get("RANK", "0"))
"""Which of the processes that torch's launcher started this one is; 0 without a launcher."""
WORLD = int(os.environ.get("WORLD_SIZE", "1"))


def fit(
    module: ProgressingModule,
    data: lightning.LightningDataModule,
    run: Path,
    keep: Callback,
    steps_a_line: int = 20,
    resume: Path | None = None,
    **options: Any,
) -> None:
    """Train, or go on from the checkpoint `resume`, by default from the last one of the run.

    Raises KeyboardInterrupt on Ctrl-C.
    options: of lightning.Trainer, above all how many epochs and on which device.
    """
    trainer = lightning.Trainer(
        **{**_launched(), **options},
        default_root_dir=run,
        reload_dataloaders_every_n_epochs=1,
        callbacks=[Progress(run, steps_a_line), SkipNonFinite(), keep],
        logger=_tensorboard(run),
        log_every_n_steps=steps_a_line,
        use_distributed_sampler=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    passed = dict.fromkeys(("ready", "started", "processed", "completed"), module.first_epoch)
    trainer.fit_loop.epoch_progress.current.load_state_dict(passed)
    checkpoint = resume or (run / LAST if (run / LAST).exists() else None)
    if checkpoint is not None:
        _require_same_network(module, checkpoint)
    try:
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint)
    except SystemExit as ctrl_c:
        raise KeyboardInterrupt from ctrl_c


def _require_same_network(module: ProgressingModule, checkpoint: Path) -> None:
    """Raises WeightsError for a checkpoint that is damaged or of another network."""
    there = {name: w.shape for name, w in read_checkpoint(checkpoint)["state_dict"].items()}
    if there != {name: w.shape for name, w in module.state_dict().items()}:
        raise WeightsError(f"{checkpoint} is of another network; go on with the same settings.")


def be_quiet() -> None:
    """Lightning's advice is for programmers."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning.*")


def _launched() -> dict[str, Any]:
    """Devices of this machine that torch's launcher (torchrun) gave us; one without it."""
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    strategy = "ddp" if WORLD > 1 else "auto"
    return {"devices": here, "num_nodes": WORLD // here, "strategy": strategy}


def _tensorboard(run: Path) -> Logger | bool:
    try:
        return TensorBoardLogger(run, name="", version=TENSORBOARD)
    except ModuleNotFoundError:
        print("No TensorBoard log: pip install tensorboard. All figures are in metrics.jsonl.")
        return False
