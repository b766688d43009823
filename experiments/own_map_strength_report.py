"""A table and a figure of what `experiments.own_map_strength` measured."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.box import SIMPLE
from rich.table import Table

from bpnp_ros.figures import palette
from bpnp_ros.figures.panels import draw_grid
from experiments.own_map_recall import TOLERANCES

Rows = list[dict[str, Any]]
RECALL = f"recall {TOLERANCES[0]}"
CURVE_NOISE = 0.3
MARKS = {
    "ceiling": {"color": palette.GREY, "ls": "--"},
    "both": {"color": palette.GREEN, "marker": "D"},
    "network": {"color": palette.BLUE, "marker": "o"},
    "search": {"color": palette.ORANGE, "marker": "s"},
}
WORLDS = (palette.SKY, palette.VERMILION, palette.PURPLE)


def table(rows: Rows) -> Table:
    """Of all that was asked; noise is the share missed and that of clutter."""
    shown = Table("points", "asked", "min", "views", "noise", title=RECALL, box=SIMPLE)
    for name in ("recall", "wrong", "median", "a view"):
        shown.add_column(name, justify="right")
    for row in sorted(rows, key=lambda row: (row["points"], row["asked"], row["noise"])):
        figures, trained = row["figures"], row["views trained on"]
        error = figures["median error m"]
        shown.add_row(
            f"{row['landmarks']:,}",
            row["asked"],
            "" if trained is None else f"{row['minutes']:g}",
            "" if trained is None else f"{trained:,}",
            f"{row['noise']:.0%}",
            f"{figures[RECALL]:.0%}",
            f"{figures['wrong']:.0%}",
            "-" if error is None else f"{1000 * error:.0f} mm",
            f"{figures['seconds a view']:.2f} s",
        )
    return shown


def figure(rows: Rows) -> Figure:
    """Left the network's recall against training time; right who is asked, for each world."""
    worlds = sorted({row["points"] for row in rows})
    with matplotlib.rc_context(palette.STYLE):
        drawn = Figure(figsize=(4.5 + 2.6 * len(worlds), 3.6))
        ratios = (1.6, *[1] * len(worlds))
        curve, *sides = drawn.subplots(1, 1 + len(worlds), sharey=True, width_ratios=ratios)
        for points, colour in zip(worlds, WORLDS, strict=False):
            of_world = [row for row in rows if row["points"] == points]
            _draw_curve(curve, of_world, f"{points:,} points", colour)
            _draw_noises(sides[worlds.index(points)], of_world, f"{points:,} points")
        _finish(curve, sides)
        drawn.tight_layout()
    return drawn


def _draw_curve(axes: Axes, rows: Rows, label: str, colour: str) -> None:
    """The network alone at every budget."""
    trained = [row for row in rows if row["asked"] == "network" and row["noise"] == CURVE_NOISE]
    _draw_recall(axes, trained, "minutes", label=label, color=colour, marker="o")
    axes.set_title(f"network alone, {CURVE_NOISE:.0%} missed, {CURVE_NOISE:.0%} clutter")


def _draw_noises(axes: Axes, rows: Rows, title: str) -> None:
    """Everything asked, at the longest budget."""
    for asked, style in MARKS.items():
        of_asked = [row for row in rows if row["asked"] == asked]
        longest = max((row["minutes"] for row in of_asked), default=0)
        last = [row for row in of_asked if row["minutes"] == longest]
        _draw_recall(axes, last, "noise", label=asked, **style)
    axes.set_title(title)
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set_xticks(sorted({row["noise"] for row in rows}))


def _draw_recall(axes: Axes, rows: Rows, over: str, **style: Any) -> None:
    points = sorted((row[over], row["figures"][RECALL]) for row in rows)
    axes.plot([x for x, _ in points], [y for _, y in points], lw=1.5, ms=5, **style)


def _finish(curve: Axes, sides: list[Axes]) -> None:
    for axes in (curve, *sides):
        draw_grid(axes)
        axes.set_ylim(0, 1.02)
    curve.yaxis.set_major_formatter("{x:.0%}")
    curve.set_ylabel(RECALL)
    curve.set_xticks(sorted({float(x) for line in curve.lines for x in np.ravel(line.get_xdata())}))
    curve.set_xlabel("minutes of training")
    curve.xaxis.set_major_formatter("{x:g}")
    curve.legend(loc="lower right")
    for axes in sides:
        axes.set_xlabel("missed = clutter")
    sides[0].legend(loc="lower left")
