"""The reference and ours, trained in turn on the same batches from the same weights."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from bpnp_ros.configuration.parameter import setting
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.weights.reference_checkpoint import load_reference_checkpoint
from experiments.reference_code import ReferenceCode, ReferenceSide
from training.common import progress_line
from training.common.settings import Settings
from training.datasets.sample import Batch, collate
from training.datasets.source import Epoch, Source, batches_of_epoch
from training.datasets.words import WORDS
from training.paper.config import PaperConfig
from training.paper.measuring import Solution, judged, solve
from training.paper.module import PaperTraining
from training.paper.report import summary

PHASES = {"Lc": False, "Lc + Lp": True}
"""With the pose loss or without it."""
SIDES = REFERENCE, OURS = "reference", "ours"
Step = dict[str, float]
_ANY = (1, math.inf)


@dataclass(frozen=True)
class Comparison(Settings):
    """What both sides do, for each seed."""

    dataset: str = setting("shapes", "one of " + ", ".join(WORDS), choices=WORDS)
    points: int = setting(64, "points of a set in training", range=_ANY)
    batch: int = setting(16, "samples a step", range=_ANY)
    steps: int = setting(80, "with Lc alone", range=_ANY)
    pose_steps: int = setting(30, "with Lc + Lp, after those", range=_ANY)
    tests: int = setting(50, "samples to test after each phase, at most", range=_ANY)

    def length(self, phase: str) -> int:
        return self.pose_steps if PHASES[phase] else self.steps


class Trainable(Protocol):
    """A network and its losses."""

    @property
    def network(self) -> nn.Module: ...

    def losses(self, batch: Batch, with_pose: bool) -> dict[str, Tensor]: ...


class Side(Trainable, Protocol):
    """An implementation of the paper: a network, its losses, and its poses of a batch."""

    def solve(self, batch: Batch) -> Solution: ...


class OurSide:
    """Our network, with the losses of `training.main` and the solver of its test."""

    def __init__(self, network: BPnPNet) -> None:
        self.network = network
        self._trainings = {
            with_pose: PaperTraining(network, PaperConfig(poseloss=int(not with_pose)), steps=1)
            for with_pose in PHASES.values()
        }

    def losses(self, batch: Batch, with_pose: bool) -> dict[str, Tensor]:
        return self._trainings[with_pose].losses(batch)

    def solve(self, batch: Batch) -> Solution:
        return solve(self.network, batch, matcher="sinkhorn", detectability=False)


def begin(code: ReferenceCode, seed: int, checkpoint: Path) -> dict[str, Side]:
    """The reference, with random weights, and ours, which reads them from its checkpoint."""
    torch.manual_seed(seed)
    reference = ReferenceSide(code)
    torch.save({"epoch": 0, "state_dict": reference.network.state_dict()}, checkpoint)
    ours = OurSide(BPnPNet.from_weights(load_reference_checkpoint(checkpoint).state_dict))
    return {REFERENCE: reference, OURS: ours}


def compare(
    sides: dict[str, Side], learn: Source, check: Source, plan: Comparison, seed: int
) -> dict[str, Any]:
    """Losses and seconds of each step, and figures of the test after each phase, of each side."""
    defaults = PaperConfig()
    adams = {
        name: torch.optim.Adam(
            side.network.parameters(), defaults.learning_rate, weight_decay=defaults.weight_decay
        )
        for name, side in sides.items()
    }
    results: dict[str, Any] = {name: {"steps": [], "tests": {}} for name in sides}
    batches = _batches(learn, plan, seed)
    for phase, with_pose in PHASES.items():
        for number, batch in enumerate(itertools.islice(batches, plan.length(phase)), start=1):
            for name, side in sides.items():
                step = train_step(side, adams[name], batch, with_pose)
                results[name]["steps"].append({"phase": phase, **step})
            _tell(f"seed {seed}, {phase}: step {number} of {plan.length(phase)}", results)
        print(f"seed {seed}, {phase}: testing", flush=True)
        for name, figures in _tested(sides, check, plan, seed).items():
            results[name]["tests"][phase] = figures
    return results


def train_step(
    side: Trainable, adam: torch.optim.Optimizer, batch: Batch, with_pose: bool
) -> dict[str, float]:
    """Losses and seconds; skipped: 1 where the gradient was not finite or could not be had."""
    side.network.train()
    started = time.perf_counter()
    adam.zero_grad()
    losses = side.losses(batch, with_pose)
    usable = _has_gradient(losses["loss"], side.network)
    if usable:
        adam.step()
    seconds = time.perf_counter() - started
    values = {name: float(value.detach()) for name, value in losses.items()}
    return {"seconds": seconds, "skipped": float(not usable), **values}


def _has_gradient(loss: Tensor, network: nn.Module) -> bool:
    try:
        loss.backward()
    except torch.linalg.LinAlgError:  # in the reference's layers, which would have stopped here
        return False
    gradients = [p.grad.norm() for p in network.parameters() if p.grad is not None]
    return bool(torch.stack(gradients).isfinite().all())


def _tested(
    sides: dict[str, Side], check: Source, plan: Comparison, seed: int
) -> dict[str, dict[str, Any]]:
    samples, rows = Epoch(check, seed, most_points=plan.points), []
    for side in sides.values():
        side.network.eval()
        rows.append(judged(side.solve, samples, torch.device("cpu")))
    in_turn = itertools.islice(zip(*rows, strict=True), plan.tests)
    return {
        name: summary(list(of_side))
        for name, of_side in zip(sides, zip(*in_turn, strict=True), strict=True)
    }


def _batches(learn: Source, plan: Comparison, seed: int) -> Iterator[Batch]:
    """Epoch after epoch, as in `training.main`."""
    for epoch in itertools.count():
        samples = Epoch(learn, seed, epoch, plan.points)
        for rows in batches_of_epoch(len(samples), plan.batch, seed, epoch):
            yield collate([samples[i] for i in rows], plan.points)


def _tell(where: str, results: dict[str, Any]) -> None:
    last = {name: result["steps"][-1] for name, result in results.items()}
    told = ", ".join(f"{name} {s['loss']:.3f} in {s['seconds']:.2f} s" for name, s in last.items())
    progress_line.show(f"{where}: {told}")
