"""How fast the paper's path is, stage by stage, beside the reference code: same inputs, same run.

python -m experiments.paper_speed REFERENCE [--points 1000], where REFERENCE is a checkout of the
paper's code (git clone https://github.com/dylan-campbell/bpnpnet). Both take turns, A B A B, on one
thread; a turn calls a stage again until a tenth of a second is over, and a time is the least
processor time of all calls, so that other work on the machine matters little.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import matplotlib
import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from torch import Tensor

from bpnp_ros.command import run_command
from bpnp_ros.figures import palette
from bpnp_ros.figures.panels import save_figure
from bpnp_ros.optimal_transport.sinkhorn import sinkhorn, uniform_prior
from bpnp_ros.pnp.bearing_alignment import bearings
from bpnp_ros.pnp.weighted_pnp import weighted_pnp
from experiments.reference_code import ReferenceCode
from experiments.scene import scene
from experiments.two_trainings import OURS, PHASES, REFERENCE, SIDES, Side, begin
from training.common.fit import be_quiet
from training.datasets.sample import Batch

Work = Callable[[], object]
Layer = Callable[[Tensor], Tensor]
A_TURN = 0.1  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.paper_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("reference", type=Path, metavar="REFERENCE")
    parser.add_argument("--points", type=int, default=1000, help="of either set (1000)")
    parser.add_argument(
        "--batch", type=int, default=4, help="samples of a training step, at least 2 (4)"
    )
    parser.add_argument("--turns", type=int, default=3, help="of each side (3)")
    parser.add_argument("--figure", type=Path, metavar="PNG", help="draw the last column")
    options = parser.parse_args()
    be_quiet()
    torch.set_num_threads(1)
    run_command(lambda: report(options, Console(highlight=False)))


def report(options: argparse.Namespace, console: Console) -> None:
    """One row a stage, printed at the end. Raises ConfigError without the reference."""
    code, table = ReferenceCode(options.reference), Table("stage", *SIDES, "times as fast")
    gain: dict[str, float] = {}
    for stage, work in stages(code, options.points, options.batch):
        best = dict.fromkeys(SIDES, math.inf)
        for _ in range(options.turns):
            for side in SIDES:
                best[side] = min(best[side], least_seconds(work[side]))
        gain[stage] = best[REFERENCE] / best[OURS]
        times = [f"{1e3 * best[side]:.1f} ms" for side in SIDES]
        table.add_row(stage, *times, f"{gain[stage]:.1f}")
        console.print(f"{stage} is done", style="dim")
    console.print(table)
    if options.figure:
        save_figure(figure(gain), options.figure)


def least_seconds(work: Work) -> float:
    """Of the calls of one turn, at least one."""
    least, spent = math.inf, 0.0
    while spent < A_TURN:
        start = time.process_time()
        work()
        took = time.process_time() - start
        least, spent = min(least, took), spent + took
    return least


def figure(gain: dict[str, float]) -> Figure:
    """A bar a stage: how many times as fast as the reference."""
    with matplotlib.rc_context(palette.STYLE):
        drawn = Figure(figsize=(7, 0.4 * len(gain) + 0.8))
        axes = drawn.subplots()
        bars = axes.barh(list(gain), list(gain.values()), color=palette.BLUE)
        axes.bar_label(bars, [f" {times:.1f}" for times in gain.values()])
        axes.set_xscale("log")
        axes.axvline(1, color=palette.INK, lw=1)
        axes.xaxis.set_major_formatter(lambda times, _: f"{times:g}")
        axes.invert_yaxis()
        axes.set_title("times as fast as the reference, one thread")
    return drawn


def stages(code: ReferenceCode, points: int, batch: int) -> Iterator[tuple[str, dict[str, Work]]]:
    """What each side does in a stage, with the same inputs."""
    torch.manual_seed(0)
    sample, several = scene(points, 1), scene(points, batch)
    yield from _transport(code, points)
    yield from _pose_layer(code, sample)
    with tempfile.TemporaryDirectory() as folder:
        sides = begin(code, 0, Path(folder) / "start.pth.tar")
    for name, with_pose in PHASES.items():
        steps: dict[str, Work] = {
            side: partial(_step, sides[side], several, with_pose) for side in SIDES
        }
        yield f"training step, {name}, batch {batch}", steps
    for side in sides.values():
        side.network.eval()
    yield "whole frame", {side: partial(_frame, sides[side], sample) for side in SIDES}


def _step(side: Side, batch: Batch, with_pose: bool) -> None:
    side.losses(batch, with_pose)["loss"].backward()


@torch.no_grad()
def _frame(side: Side, sample: Batch) -> None:
    side.solve(sample)


def _transport(code: ReferenceCode, points: int) -> Iterator[tuple[str, dict[str, Work]]]:
    features = torch.nn.functional.normalize(torch.randn(1, points, 128), dim=2)
    others = torch.nn.functional.normalize(features + 0.2 * torch.randn(1, points, 128), dim=2)
    M, prior = torch.cdist(features, others), uniform_prior(torch.tensor([points]), points).float()
    transport = code.transport()
    layers: dict[str, Layer] = {
        REFERENCE: lambda cost: transport(cost, prior, prior),
        OURS: lambda cost: sinkhorn(cost, prior, prior),
    }
    yield from _both_ways("Sinkhorn", layers, M, torch.rand_like(M))


def _pose_layer(code: ReferenceCode, sample: Batch) -> Iterator[tuple[str, dict[str, Work]]]:
    theta = torch.tensor([[0.02, -0.03, 0.01, 0.05, 0.02, 6.0]])
    f, n = (
        bearings(sample.p2d),
        torch.nn.functional.normalize(sample.p3d + theta[:, None, 3:], dim=2),
    )
    W = torch.softmax(500 * (f @ n.transpose(1, 2) - 1), dim=2) / sample.p2d.shape[1]
    pose_layer = code.pose_layer()
    layers: dict[str, Layer] = {
        REFERENCE: lambda w: pose_layer(w, f, sample.p3d, theta),
        OURS: lambda w: weighted_pnp(w, sample.p2d, sample.p3d, theta),
    }
    layers[OURS](W)  # loads its machine code
    yield from _both_ways("weighted PnP", layers, W, torch.rand_like(theta))


def _both_ways(
    name: str, layers: dict[str, Layer], x: Tensor, weight: Tensor
) -> Iterator[tuple[str, dict[str, Work]]]:
    yield name, {side: partial(layers[side], x) for side in SIDES}
    there_and_back: dict[str, Work] = {
        side: partial(_backward, layers[side], x, weight) for side in SIDES
    }
    yield f"{name}, forward and backward", there_and_back


def _backward(layer: Layer, x: Tensor, weight: Tensor) -> None:
    (layer(x.clone().requires_grad_()) * weight).sum().backward()


if __name__ == "__main__":
    main()
