"""Train BPnPNet on a data set: set up, run, and leave the best weights behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bpnp_ros.errors import ConfigError
from bpnp_ros.network.attention import AttentionBPnPNet
from bpnp_ros.network.attention_blocks import AttentionBlock
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.network.matching import MatchingNetwork
from training.common.callbacks import Keep
from training.common.card import model_card
from training.common.devices import lightning_device
from training.common.fit import RANK, WORLD, fit
from training.common.run_folder import LAST, begin, require_no_run
from training.datasets.words import open_set
from training.paper.checkpoints import WEIGHTS, Start, load_start, publish, started_network
from training.paper.config import LOSSES, NETWORKS, PaperConfig
from training.paper.module import PaperData, PaperTraining, steps_an_epoch


def train(
    config: PaperConfig,
    folder: Path,
    resume: Path | None,
    run: Path,
    gpu: int | None = None,
    workers: int = 0,
) -> None:
    """Train in the folder `run`, or go on with the run that `resume` belongs to.

    resume: a run of ours goes on exactly; other weights are only where the training begins, at
    the epoch their file tells.
    """
    _check(config)
    ours = _checkpoint_of_ours(resume)
    if ours is None or ours.parent != run:
        require_no_run(run)
    start = Start({}) if resume is None else load_start(ours or resume)
    network = new_network(config)
    if resume is not None and ours is None:
        network = started_network(start, resume, config.bf16)
        _check_started(network, config, resume)
        config = replace(config, start_epoch=max(config.start_epoch, start.epoch))
    learn, check = (
        open_set(folder, config.dataset, split, config.outlier_rate) for split in ("train", "test")
    )
    if config.compile:
        _compile_blocks(network)
    module = PaperTraining(network, config, steps_an_epoch(len(learn), config), start.adam)

    def publish_best(trained: PaperTraining) -> None:
        card = {**model_card(trained, config), "epoch": trained.current_epoch + 1}
        if start.card:
            card["started from"] = start.card
        publish(trained.result, run / WEIGHTS, card)

    if RANK == 0:
        begin(run, config)
    data, keep = PaperData(module, learn, check, workers), Keep(run, publish_best)
    options = {**_loop_options(config), **lightning_device(gpu)}
    fit(module, data, run, keep, steps_a_line=config.print_freq, resume=ours, **options)
    if RANK == 0:
        print(f"\n{run / WEIGHTS}: {module.samples:,} samples, {module.skipped} steps skipped")


def new_network(config: PaperConfig) -> MatchingNetwork:
    """Random weights that depend on the seed alone."""
    torch.manual_seed(config.seed)
    if config.network == NETWORKS[1]:
        return AttentionBPnPNet(config.bf16)
    return BPnPNet(bf16=config.bf16, dustbin=config.loss == LOSSES[1])


def _compile_blocks(network: MatchingNetwork) -> None:
    """In place, so that weights keep their names."""
    for block in network.modules():
        if isinstance(block, AttentionBlock):
            block.compile()


def _checkpoint_of_ours(resume: Path | None) -> Path | None:
    if resume is None or not (resume.is_dir() or resume.suffix == ".ckpt"):
        return None
    return resume / LAST if resume.is_dir() else resume


def _check(config: PaperConfig) -> None:
    if config.matcher != "sinkhorn":
        raise ConfigError("the Hungarian algorithm has no gradient; test with it (-e).")
    if config.batch % WORLD:
        raise ConfigError(f"a batch of {config.batch} cannot be shared by {WORLD} processes.")
    if config.network == NETWORKS[1] and config.loss != LOSSES[1]:
        raise ConfigError(f"--network {config.network} has a dustbin: give --loss {LOSSES[1]}.")
    if config.curriculum and config.dataset != "simulated":
        raise ConfigError("--curriculum makes its own sets: give --dataset simulated.")


def _check_started(network: MatchingNetwork, config: PaperConfig, weights: Path) -> None:
    wanted = new_network(config)
    if network.architecture != wanted.architecture:
        raise ConfigError(
            f"{weights} is of '{network.architecture}': --network {config.network} does not suit."
        )
    if network.has_dustbin != wanted.has_dustbin:
        raise ConfigError(f"--loss {config.loss} does not suit {weights}: one has a dustbin.")


def _loop_options(config: PaperConfig) -> dict[str, Any]:
    validate = config.validate_every > 0 and not config.overfit
    return {
        "max_epochs": config.epochs,
        "gradient_clip_val": config.clip or None,
        "check_val_every_n_epoch": max(config.validate_every, 1),
        "limit_val_batches": None if validate else 0,
    }
