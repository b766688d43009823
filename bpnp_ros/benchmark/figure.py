"""The outlier curves: how each method fares as fewer and fewer points belong together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bpnp_ros.benchmark.board import Board
from bpnp_ros.benchmark.problems import RATES, SETTINGS
from bpnp_ros.evaluation.blind_pnp_metrics import AUC_PIXELS, Figures
from bpnp_ros.evaluation.figures import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    STYLE,
    VERMILION,
)

COLOURS = (INK, GREEN, BLUE, ORANGE, VERMILION, PURPLE, SKY, GREY)
MARKERS = "sDo^v<>P*X"
LINES = ("-", "--")  # where there are more methods than colours
SWEPT = sum(rate is not None for rate in RATES.values())  # the settings on the axis of rates
MIDDLE = 1  # of AUC_PIXELS


def outlier_curves(board: Board) -> Figure:
    """Recall on the left, the area under the curve of reprojection errors on the right."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(13, 5.2))
        left, right = figure.subplots(1, 2, sharey=True)
        _draw(left, board, lambda figures: figures.recall)
        _draw(right, board, lambda figures: figures.auc[MIDDLE])
        left.set_title("Share of poses within 5 % of the depth and 5 deg")
        right.set_title(f"AUC of the mean reprojection error up to {AUC_PIXELS[MIDDLE]:g} px")
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=3)
    return figure


def _draw(axes: Axes, board: Board, value: Callable[[Figures], float]) -> None:
    for number, method in enumerate(board.methods):
        again, hue = divmod(number, len(COLOURS))
        colour, marker, line = (
            COLOURS[hue],
            MARKERS[number % len(MARKERS)],
            LINES[again % len(LINES)],
        )
        swept, rest = range(SWEPT), range(SWEPT, len(SETTINGS))
        cells = [board.cell(method, setting) for setting in SETTINGS]
        heights = [100 * value(cell.figures) if cell else float("nan") for cell in cells]
        style: dict[str, Any] = {"color": colour, "marker": marker, "ms": 7}
        axes.plot(swept, heights[:SWEPT], lw=1.8, ls=line, label=method, **style)
        axes.plot(rest, heights[SWEPT:], lw=0, **style)
    axes.axvspan(SWEPT - 0.5, len(SETTINGS) - 0.5, color=PALE, lw=0, zorder=0)
    axes.set_xticks(range(len(SETTINGS)), SETTINGS, color=INK)
    axes.set_xlim(-0.3, len(SETTINGS) - 0.5)
    axes.set_ylim(-3, 103)
    axes.yaxis.set_major_formatter(lambda height, _: f"{height:g} %")
    axes.grid(axis="y", color=PALE, lw=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("outlier rate of both sets; grey: as they come")
