"""Settings of `training.main`, with the names and defaults of the paper's code."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bpnp_ros.configuration.parameter import setting
from training.common.settings import Settings
from training.datasets.words import WORDS

MATCHERS = ("sinkhorn", "hungarian")
LOSSES = ("correspondence", "log_likelihood")
NETWORKS = ("paper", "attention")
_ANY = (1, 1_000_000)
_SEED = (0, 2**32 - 1)
_FROM_ZERO = (0, math.inf)


@dataclass(frozen=True)
class PaperConfig(Settings):
    """How to train and test BPnPNet. Those below `frac_outliers` are ours."""

    dataset: str = setting(WORDS[0], "one of " + ", ".join(WORDS), choices=WORDS)
    epochs: int = setting(90, "epochs to run, counted from 0", range=_ANY)
    start_epoch: int = setting(0, "the first epoch", range=_FROM_ZERO)
    batch: int = setting(16, "samples a step, over all processes", range=_ANY)
    learning_rate: float = setting(1e-3, "Adam's", range=_FROM_ZERO)
    momentum: float = setting(0.9, "accepted and not used, as in the paper's code")
    final_rate: float = setting(
        1.0, "share of the learning rate that is left at the end, along a cosine", range=(0, 1)
    )
    weight_decay: float = setting(1e-3, "Adam's", range=_FROM_ZERO)
    print_freq: int = setting(10, "steps a line", range=_ANY)
    seed: int = setting(0, "of weights, order, samples and outliers", range=_SEED)
    num_points_train: int = setting(1000, "points of a set in training", range=_ANY)
    poseloss: int = setting(0, "epoch from which the pose loss counts", range=_FROM_ZERO)
    frac_outliers: float = setting(
        0.0, "uniform outliers added to each set in testing, as a share", range=(0, 10)
    )
    outlier_rate: float = setting(
        -1.0,
        "of sfm sets: unmatched / all; 1: all there is; below 0: another for each sample",
        range=(-1, 1),
    )
    detectability: bool = setting(
        False, "let a point's detectability be its mass in Sinkhorn; known of sfm sets only"
    )
    loss: str = setting(
        LOSSES[0],
        "correspondence: the paper's Lc; log_likelihood: over matches and a dustbin, for sets "
        "with outliers",
        choices=LOSSES,
    )
    network: str = setting(
        NETWORKS[0],
        "paper: context normalisation; attention: the variant for maps that it never saw, which "
        "has a dustbin",
        choices=NETWORKS,
    )
    curriculum: bool = setting(
        False,
        "simulated sets from easy to hard: first without outliers, then up to 90 %, whole maps and "
        "more points, up to num_points_train",
    )
    warm_up: int = setting(0, "steps in which the learning rate rises", range=_FROM_ZERO)
    average: float = setting(
        0.0,
        "share of a running average of the weights that each step keeps; the average is what is "
        "published; 0: the last weights are",
        range=(0, 1),
    )
    gamma: float = setting(1.0, "weight of the pose loss", range=_FROM_ZERO)
    clip: float = setting(0.0, "longest gradient; 0: any", range=_FROM_ZERO)
    validate_every: int = setting(
        1, "epochs from one validation to the next; 0: none", range=_FROM_ZERO
    )
    matcher: str = setting("sinkhorn", "hungarian is for testing only", choices=MATCHERS)
    bf16: bool = setting(False, "compute the residual blocks in bfloat16")
    compile: bool = setting(
        False, "let torch.compile make the blocks of the attention network; takes minutes first"
    )
    overfit: bool = setting(False, "train on one batch only, to see whether the loss falls")


SPELLING = {
    "batch": ("-b", "--batch-size"),
    "learning_rate": ("--lr", "--learning-rate"),
    "weight_decay": ("--wd", "--weight-decay"),
    "print_freq": ("-p", "--print-freq"),
    "num_points_train": ("-ntrain", "--num_points_train"),
    "frac_outliers": ("--frac_outliers",),
}
"""Options of the paper's code that are not called like their setting."""
