"""The outlier curves: how each method fares as fewer and fewer points belong together; and what
cues bring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bpnp_ros.benchmark.board import Board
from bpnp_ros.benchmark.metrics import AUC_PIXELS, RIGHT_DEGREES, RIGHT_DEPTHS, Figures
from bpnp_ros.benchmark.problems import RATES, SETTINGS
from bpnp_ros.figures import palette
from bpnp_ros.figures.panels import draw_grid

MARKERS = "sDo^v<>P*X"
LINES = "-", "--"
SWEPT = sum(rate is not None for rate in RATES.values())  # the settings on the axis of rates
MIDDLE = 1  # of AUC_PIXELS


def outlier_curves(board: Board) -> Figure:
    """Recall on the left, the area under the curve of reprojection errors on the right."""
    with matplotlib.rc_context(palette.STYLE):
        figure = Figure(figsize=(13, 5.2))
        left, right = figure.subplots(1, 2, sharey=True)
        _draw(left, board, lambda figures: figures.recall)
        _draw(right, board, lambda figures: figures.auc[MIDDLE])
        left.set_title(
            f"Share of poses within {100 * RIGHT_DEPTHS:g} % of the depth and {RIGHT_DEGREES:g} deg"
        )
        right.set_title(f"AUC of the mean reprojection error up to {AUC_PIXELS[MIDDLE]:g} px")
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=3)
    return figure


def cue_bars(board: Board) -> Figure:
    """Recall by row, with the standard error of each share."""
    with matplotlib.rc_context(palette.STYLE):
        figure = Figure(figsize=(7, 0.6 + 0.4 * len(board.methods)))
        axes = figure.subplots()
        names, cells = zip(*((m, board.cell(m)) for m in board.methods), strict=True)
        shares = np.array([cell.figures.recall if cell else np.nan for cell in cells])
        error = np.sqrt(shares * (1 - shares) / max(board.problems, 1))
        axes.barh(names, 100 * shares, xerr=100 * error, color=palette.SKY, ecolor=palette.GREY)
        axes.invert_yaxis()
        axes.set_xlim(0, 103)
        axes.xaxis.set_major_formatter(lambda share, _: f"{share:g} %")
        axes.set_title(f"Found in whole maps, of {board.problems} photographs")
    return figure


def _draw(axes: Axes, board: Board, value: Callable[[Figures], float]) -> None:
    for number, method in enumerate(board.methods):
        style = _style(number)
        swept, rest = range(SWEPT), range(SWEPT, len(SETTINGS))
        cells = [board.cell(method, setting) for setting in SETTINGS]
        heights = [100 * value(cell.figures) if cell else float("nan") for cell in cells]
        axes.plot(swept, heights[:SWEPT], lw=1.8, label=method, **style)
        axes.plot(rest, heights[SWEPT:], lw=0, **style)
    axes.axvspan(SWEPT - 0.5, len(SETTINGS) - 0.5, color=palette.PALE, lw=0, zorder=0)
    axes.set_xticks(range(len(SETTINGS)), SETTINGS, color=palette.INK)
    axes.set_xlim(-0.3, len(SETTINGS) - 0.5)
    axes.set_ylim(-3, 103)
    axes.yaxis.set_major_formatter(lambda height, _: f"{height:g} %")
    draw_grid(axes)
    axes.set_xlabel("outlier rate of both sets; grey: as they come")


def _style(number: int) -> dict[str, Any]:
    """Of the method in row `number`: a colour and a marker, and dashes once the colours ran out."""
    again, hue = divmod(number, len(palette.SERIES))
    return {
        "color": palette.SERIES[hue],
        "marker": MARKERS[number % len(MARKERS)],
        "ls": LINES[again % len(LINES)],
        "ms": 7,
    }
