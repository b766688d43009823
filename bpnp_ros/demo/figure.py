"""The demo's run on one page: where the camera was, where it was found, and how far off."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bpnp_ros.demo.score import (
    ACCURATE,
    FIX_WITHIN,
    NETWORK,
    DemoRecord,
    DemoScore,
)
from bpnp_ros.evaluation.trajectory import NANOSECONDS
from bpnp_ros.figures import palette
from bpnp_ros.figures.panels import draw_error_scale, draw_floor, draw_path, label_absences
from bpnp_ros.simulation.world import World

Array = NDArray[np.float64]

MARKERS = {NETWORK: ("*", palette.ORANGE, 230), "likelihood_search": ("D", palette.GREEN, 60)}
OTHER_MARKER = ("^", palette.PURPLE, 70)
NO_ANSWER = "no answer"


def demo_figure(world: World, record: DemoRecord, score: DemoScore, title: str) -> Figure:
    """The whole page: map on the left, errors and missing poses over time on the right."""
    with matplotlib.rc_context(palette.STYLE):
        figure = Figure(figsize=(15, 8.4))
        _draw_map(figure.add_axes((0.0, 0.1, 0.52, 0.84)), world, record)
        metres = figure.add_axes((0.62, 0.63, 0.37, 0.27))
        degrees = figure.add_axes((0.62, 0.29, 0.37, 0.27), sharex=metres)
        missing = figure.add_axes((0.62, 0.07, 0.37, 0.15), sharex=metres)
        _draw_errors(metres, record, score.published_errors.metres, ACCURATE.metres)
        _draw_errors(degrees, record, score.published_errors.degrees, ACCURATE.degrees)
        _draw_absences(missing, record)
        metres.set_title("Position error, m", pad=14)
        degrees.set_title("Orientation error, deg")
        last = max(float(_seconds(record, record.sent.stamps_ns[-1:])[0]), 1.0)
        metres.set_xlim(-0.01 * last, 1.01 * last)
        for axes in (metres, degrees, missing):
            axes.tick_params(labelbottom=axes is missing)
            _draw_kidnap_windows(axes, score, label=axes is metres)
        figure.suptitle(title, x=0.02, y=0.985, ha="left", fontsize=15, fontweight="bold")
    return figure


def _draw_map(axes: Axes, world: World, record: DemoRecord) -> None:
    draw_floor(axes, world.plan.walls, world.plan.furniture)
    x, y = world.landmarks[:, :2].T
    axes.scatter(x, y, s=2.5, color=palette.GREY, lw=0, label="landmarks of the map")
    truth = record.sent.T_map_camera[:, :3, 3]
    draw_path(axes, truth, record.kidnaps, color=palette.SKY, lw=7, alpha=0.6, label="true path")
    x, y, _ = record.published.T_map_camera[:, :3, 3].T
    axes.scatter(x, y, s=7, color=palette.BLUE, lw=0, zorder=4, label="poses found")
    for number, frame in enumerate(record.kidnaps, start=1):
        _draw_kidnap(axes, _xy(truth[frame - 1]), _xy(truth[frame]), number)
    start = _xy(truth[0])
    axes.plot(*start, "o", ms=15, mfc="none", mec=palette.INK, mew=1.8, zorder=5, label="start")
    _draw_global_fixes(axes, record, x, y)
    axes.margins(0.01)
    axes.legend(loc="upper center", bbox_to_anchor=(0.56, 0.005), ncols=3)


def _draw_kidnap(
    axes: Axes, before: tuple[float, float], after: tuple[float, float], number: int
) -> None:
    arrow = {"arrowstyle": "-|>", "color": palette.VERMILION, "lw": 1.6, "ls": (0, (4, 3))}
    arrow |= {"connectionstyle": "arc3,rad=0.18", "shrinkA": 2, "shrinkB": 4, "mutation_scale": 16}
    axes.annotate("", after, before, arrowprops=arrow, zorder=6)
    label = {"boxstyle": "round,pad=0.25", "fc": "white", "ec": palette.VERMILION, "lw": 1.2}
    axes.annotate(
        f"kidnap {number}",
        before,
        xytext=(7, -3),
        textcoords="offset points",
        color=palette.VERMILION,
        fontsize=9,
        bbox=label,
        zorder=8,
    )


def _draw_global_fixes(axes: Axes, record: DemoRecord, x: Array, y: Array) -> None:
    """The poses found without a pose to start from, each in the shape of its proposer."""
    by_stamp = {r.stamp_ns: r.proposer for r in record.reports if r.global_fix}
    proposers = np.array([by_stamp.get(s, "") for s in record.published.stamps_ns.tolist()])
    for proposer in sorted(set(proposers.tolist()) - {""}):
        marker, colour, size = MARKERS.get(proposer, OTHER_MARKER)
        axes.scatter(
            x[proposers == proposer],
            y[proposers == proposer],
            s=size,
            marker=marker,
            color=colour,
            edgecolors=palette.INK,
            lw=0.9,
            zorder=7,
            clip_on=False,
            label=f"global fix by {proposer}",
        )


def _draw_errors(axes: Axes, record: DemoRecord, errors: Array, accurate: float) -> None:
    """One dot a published pose on a logarithmic scale, and the bound of an accurate one."""
    seconds = _seconds(record, record.published.stamps_ns)
    lowest, highest = accurate / 500, accurate * 20
    errors = errors.clip(lowest, highest)
    draw_error_scale(axes, accurate, "accurate below")
    axes.set_ylim(lowest / 1.3, highest * 1.3)
    axes.scatter(seconds, errors, s=7, color=palette.BLUE, lw=0, zorder=3)
    _draw_global_fixes(axes, record, seconds, errors)


def _draw_absences(axes: Axes, record: DemoRecord) -> None:
    """A tick for each message without a pose, in a row for each reason."""
    reasons: dict[str, list[int]] = {}
    for report in record.reports:
        if report.category:
            reasons.setdefault(report.category, []).append(report.stamp_ns)
    reported = {report.stamp_ns for report in record.reports}
    silent = [stamp for stamp in record.sent.stamps_ns.tolist() if stamp not in reported]
    if silent:
        reasons[NO_ANSWER] = silent
    for row, stamps in enumerate(reasons.values()):
        seconds = _seconds(record, np.array(stamps))
        axes.vlines(seconds, row - 0.35, row + 0.35, color=palette.INK, lw=1)
    label_absences(axes, [f"{reason} ({len(stamps)})" for reason, stamps in reasons.items()])
    axes.set_xlabel("time of the stream, s")


def _draw_kidnap_windows(axes: Axes, score: DemoScore, label: bool) -> None:
    for recovery in score.recoveries[1:]:
        until = recovery.start_s + min(recovery.seconds, FIX_WITHIN)
        axes.axvspan(recovery.start_s, until, color=palette.VERMILION, alpha=0.18, lw=0)
        if label:
            axes.text(
                recovery.start_s,
                1.0,
                recovery.name,
                transform=axes.get_xaxis_transform(),
                fontsize=9,
                color=palette.VERMILION,
            )


def _seconds(record: DemoRecord, stamps_ns: NDArray[np.int64]) -> Array:
    """Seconds of the stream (S,)."""
    return (stamps_ns - record.sent.stamps_ns[0]) / NANOSECONDS


def _xy(position: Array) -> tuple[float, float]:
    return float(position[0]), float(position[1])
