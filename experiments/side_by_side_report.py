"""A table and a figure of the seeds that `experiments.side_by_side` ran."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from rich.box import SIMPLE
from rich.table import Table

from bpnp_ros.figures import palette
from bpnp_ros.figures.panels import draw_paired_shares
from experiments.two_trainings import PHASES, SIDES, Step

Array = NDArray[np.float64]
Results = list[dict[str, Any]]
"""What the JSON file of each seed holds."""
COLOURS = dict(zip(SIDES, (palette.VERMILION, palette.BLUE), strict=True))
TOLERANCE = "0.25, 5 deg"
SMOOTHED = 5  # steps
MEASURES = {"rotation_deg": "rotation, deg", "translation": "translation"}
QUARTILES = ("q1", "median", "q3")


class Outcome(NamedTuple):
    """Of one side, one phase and one seed: its steps and the figures of the test after it."""

    batch: int
    steps: list[Step]
    test: dict[str, Any]

    def quartile(self, which: str, names: tuple[str, ...]) -> float:
        """Of all samples of the test, and infinite where too many of them have no answer."""
        value: Any = self.test
        for name in names:
            value = value[name]
        return math.inf if value[which] is None else float(value[which])


def _trained(outcome: Outcome) -> float:
    return outcome.batch / float(np.median([step["seconds"] for step in outcome.steps]))


def _tested(outcome: Outcome) -> float:
    return 1 / outcome.quartile("median", ("seconds",))


def _recall(outcome: Outcome, estimate: str) -> float:
    return float(outcome.test[estimate]["recall"][TOLERANCE])


SPEEDS: dict[str, Callable[[Outcome], float]] = {
    "trained a second": _trained,
    "tested a second": _tested,
}
ERRORS: dict[str, Callable[[Outcome], float]] = {
    "loss at the end": lambda o: float(np.mean(_column(_last_tenth(o), "loss"))),
    "steps skipped": lambda o: float(sum(step["skipped"] for step in o.steps)),
    **{
        f"{estimate}, {shown}, {which}": partial(
            Outcome.quartile, which=which, names=(estimate, measure)
        )
        for estimate in ("theta0", "theta")
        for measure, shown in MEASURES.items()
        for which in QUARTILES
    },
    **{
        f"{estimate}, {TOLERANCE}": partial(_recall, estimate=estimate)
        for estimate in ("theta0", "theta")
    },
}


def outcomes(results: Results, side: str, phase: str) -> list[Outcome]:
    """One a seed."""
    return [
        Outcome(
            content["about"]["settings"]["batch"],
            [step for step in content[side]["steps"] if step["phase"] == phase],
            content[side]["tests"][phase],
        )
        for content in results
    ]


def table(results: Results) -> Table:
    """Means and ranges over the seeds: speeds in samples and as a ratio, errors as quartiles and
    recall, and whether the ranges of both sides overlap. The loss is of the last tenth of steps."""
    shown = Table("", *SIDES, "ours / reference", box=SIMPLE)
    for phase in PHASES:
        of_side = [outcomes(results, side, phase) for side in SIDES]
        shown.add_row(f"[bold]{phase}[/bold]")
        for name, measure in (SPEEDS | ERRORS).items():
            theirs, ours = (np.array([measure(o) for o in of_seeds]) for of_seeds in of_side)
            verdict = _range(ours / theirs) if name in SPEEDS else _overlap(theirs, ours)
            shown.add_row(name, _range(theirs), _range(ours), verdict)
    return shown


def _overlap(theirs: Array, ours: Array) -> str:
    if len(ours) == 1:
        return "one seed"
    overlap = max(theirs.min(), ours.min()) <= min(theirs.max(), ours.max())
    return "overlap" if overlap else "apart"


def _range(values: Array) -> str:
    return f"{values.mean():.3g} ({values.min():.3g}-{values.max():.3g})"


def _last_tenth(outcome: Outcome) -> list[Step]:
    return outcome.steps[-max(len(outcome.steps) // 10, 1) :]


def _column(steps: list[Step], name: str) -> Array:
    return np.array([step[name] for step in steps], np.float64)


def figure(results: Results) -> Figure:
    """Losses of each seed, recall after training, and speed."""
    with matplotlib.rc_context(palette.STYLE):
        drawn = Figure(figsize=(12, 3.6))
        losses, recall, speed = drawn.subplots(1, 3, width_ratios=(2, 1, 1))
        _draw_losses(losses, results)
        _draw_recall(recall, results)
        _draw_speed(speed, results)
        drawn.tight_layout()
    return drawn


def _draw_losses(axes: Axes, results: Results) -> None:
    begin = 0
    for phase in PHASES:
        for side, colour in COLOURS.items():
            for outcome in outcomes(results, side, phase):
                curve = _smooth(_column(outcome.steps, "loss"))
                axes.plot(begin + np.arange(len(curve)), curve, color=colour, lw=1, alpha=0.8)
        axes.text(begin, 1.0, phase, fontsize=9, transform=axes.get_xaxis_transform())
        begin += len(curve)
    axes.set_xlim(left=0)
    axes.set_title(f"loss, mean of {SMOOTHED} steps", pad=16)
    axes.set_xlabel("step")
    axes.legend(handles=[Line2D([], [], color=c, label=side) for side, c in COLOURS.items()])


def _smooth(values: Array) -> Array:
    width = min(SMOOTHED, len(values))
    mean: Array = np.convolve(values, np.full(width, 1 / width), mode="valid")
    return np.concatenate([np.full(len(values) - len(mean), np.nan), mean])


def _draw_recall(axes: Axes, results: Results) -> None:
    """After the last phase; the two sides of a seed joined."""
    last = list(PHASES)[-1]
    of_side = {side: outcomes(results, side, last) for side in SIDES}
    shares = {
        name: [[o.test[name]["recall"][TOLERANCE] for o in found] for found in of_side.values()]
        for name in ("theta0", "theta")
    }
    draw_paired_shares(axes, shares, list(COLOURS.values()))
    axes.set_title(f"recall within {TOLERANCE}", pad=16)


def _draw_speed(axes: Axes, results: Results) -> None:
    for row, phase in enumerate(PHASES):
        for offset, (side, colour) in zip((-0.2, 0.2), COLOURS.items(), strict=True):
            speed = float(np.mean([_trained(o) for o in outcomes(results, side, phase)]))
            axes.barh(row + offset, speed, 0.36, color=colour)
            axes.text(speed, row + offset, f" {speed:.1f}", va="center", fontsize=9)
    axes.set_yticks(range(len(PHASES)), list(PHASES))
    axes.invert_yaxis()
    axes.set_title("samples trained a second", pad=16)
