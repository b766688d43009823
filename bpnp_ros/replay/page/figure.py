"""A replay on one page: the way, errors and inliers over time, rejections, and some frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from bpnp_ros.figures import palette
from bpnp_ros.figures.panels import draw_error_scale, draw_grid, draw_path, label_absences
from bpnp_ros.localizer.types import Rejection
from bpnp_ros.replay.score import NOT_FALSE, ReplayRecord

Array = NDArray[np.float64]

WIDTH, OVERVIEW_HEIGHT = 15.0, 8.0  # inches
MAP_DOTS = 4000
COLUMNS = 3  # of frames
JUMP = 20.0  # usual steps


@dataclass(frozen=True, eq=False)
class FramePicture:
    """One frame to look at, in pixels.

    keypoints: (M, 2). inlier: (M,). map_points: (K, 2), the map from the pose that the title names.
    size: width and height. image: (H, W) or None.
    """

    title: str
    keypoints: Array
    inlier: NDArray[np.bool_]
    map_points: Array
    size: tuple[int, int]
    image: NDArray[np.uint8] | None = None


def replay_page(
    record: ReplayRecord, map_points: Array, unit: str, pictures: Sequence[FramePicture], title: str
) -> Figure:
    """Everything: the overview above, the frames below. map_points: (N, 3)."""
    rows = -(-len(pictures) // COLUMNS)
    heights = [OVERVIEW_HEIGHT, rows * _row_height(pictures)] if rows else [OVERVIEW_HEIGHT]
    with matplotlib.rc_context(palette.STYLE):
        figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
        parts = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)
        draw_overview(parts[0, 0], record, map_points, unit)
        if rows:
            axes = parts[1, 0].subplots(rows, COLUMNS, squeeze=False).ravel()
            for place, picture in zip(axes, pictures, strict=False):
                draw_frame(place, picture)
            for place in axes[len(pictures) :]:
                place.axis("off")
        figure.suptitle(title, x=0.01, ha="left", fontsize=15, fontweight="bold")
    return figure


def overview_figure(record: ReplayRecord, map_points: Array, unit: str) -> Figure:
    with matplotlib.rc_context(palette.STYLE):
        figure = Figure(figsize=(WIDTH, OVERVIEW_HEIGHT), layout="constrained")
        draw_overview(figure, record, map_points, unit)
    return figure


def frame_figure(picture: FramePicture) -> Figure:
    with matplotlib.rc_context(palette.STYLE):
        figure = Figure(figsize=(7, 5.4), layout="constrained")
        draw_frame(figure.subplots(), picture)
    return figure


def draw_overview(
    figure: Figure | SubFigure, record: ReplayRecord, map_points: Array, unit: str
) -> None:
    axes = figure.subplot_mosaic(
        [["way", "metres"], ["way", "degrees"], ["way", "inliers"], ["rejections", "inliers"]],
        height_ratios=(3, 3, 2, 1.6),
    )
    errors = record.errors()
    _draw_way(axes["way"], record, map_points, unit)
    _draw_errors(axes["metres"], record, errors.metres, NOT_FALSE.metres)
    axes["metres"].set_title(f"Position error, {unit}")
    _draw_errors(axes["degrees"], record, errors.degrees, NOT_FALSE.degrees)
    axes["degrees"].set_title("Orientation error, deg")
    _draw_inliers(axes["inliers"], record)
    _draw_rejections(axes["rejections"], record)


def draw_frame(axes: Axes, picture: FramePicture) -> None:
    """Keypoints over the map: rings where the map is, dots where something was detected."""
    if picture.image is not None:
        axes.imshow(picture.image, cmap="gray", vmin=0, vmax=255, alpha=0.45)
    _dots(axes, picture.map_points, s=22, fc="none", ec=palette.ORANGE, lw=0.7, label="map")
    others = picture.keypoints[~picture.inlier]
    _dots(axes, others, s=5, color=palette.BLUE, lw=0, label="keypoint")
    inliers = picture.keypoints[picture.inlier]
    _dots(axes, inliers, s=14, color=palette.GREEN, lw=0, label="inlier")
    width, height = picture.size
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[], aspect="equal")
    axes.set_title(picture.title, fontsize=9)
    axes.legend(loc="lower right", ncols=3, fontsize=7, frameon=True, framealpha=0.8)


def _draw_way(axes: Axes, record: ReplayRecord, map_points: Array, unit: str) -> None:
    """Seen along the axis in which the map extends least."""
    across = np.sort(np.argsort(-np.ptp(map_points, axis=0))[:2])
    dots = map_points[:: -(-len(map_points) // MAP_DOTS), across]
    _dots(axes, dots, s=1.5, color=palette.GREY, alpha=0.6, lw=0, label="map")
    truth = record.truth[record.has_truth][:, across, 3]
    if len(truth):
        draw_path(axes, truth, _jumps(truth), color=palette.SKY, lw=5, alpha=0.6, label="truth")
    found = record.found[record.is_fix][:, across, 3]
    _dots(axes, found, s=9, color=palette.BLUE, lw=0, zorder=3, label="poses found")
    shown = np.concatenate([truth, found])
    if len(shown):
        low, high = np.quantile(dots, (0.01, 0.99), axis=0)
        low, high = np.minimum(low, shown.min(axis=0)), np.maximum(high, shown.max(axis=0))
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    axes.set_aspect("equal", adjustable="box", anchor="NW")
    axes.set(xlabel=f"{'xyz'[across[0]]}, {unit}", ylabel=f"{'xyz'[across[1]]}, {unit}")
    axes.legend(loc="upper right", frameon=True)


def _jumps(positions: Array) -> tuple[int, ...]:
    """Rows of (F, 2) to which the camera did not travel."""
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    usual = np.median(steps) if len(steps) else 0.0
    return tuple((np.flatnonzero(steps > JUMP * max(usual, 1e-3)) + 1).tolist())


def _draw_errors(axes: Axes, record: ReplayRecord, errors: Array, bound: float) -> None:
    lowest, highest = bound / 500, bound * 100
    draw_error_scale(axes, bound, "false above")
    axes.set_ylim(lowest, highest)
    known = np.isfinite(errors)
    shown = errors[known].clip(lowest, highest)
    axes.scatter(record.seconds[known], shown, s=9, color=palette.BLUE, lw=0, zorder=3)
    _span(axes, record)
    axes.tick_params(labelbottom=False)


def _draw_inliers(axes: Axes, record: ReplayRecord) -> None:
    """A dot a fix; a tick below the axis for each message without one."""
    fixes = record.is_fix
    inliers = np.array([fix.inliers for fix in record.fixes])
    axes.scatter(record.seconds[fixes], inliers, s=9, color=palette.BLUE, lw=0, zorder=3)
    top = max(int(inliers.max(initial=0)), 10)
    axes.set_ylim(-0.12 * top, 1.1 * top)
    axes.vlines(record.seconds[~fixes], -0.1 * top, -0.02 * top, color=palette.VERMILION, lw=1)
    draw_grid(axes)
    axes.set_title("Inliers of each pose; ticks: messages without one")
    axes.set_xlabel("time, s")
    _span(axes, record)


def _draw_rejections(axes: Axes, record: ReplayRecord) -> None:
    counts = Counter(a.category.value for a in record.answers if isinstance(a, Rejection))
    names = sorted(counts, key=lambda name: (-counts[name], name))
    lengths = [counts[name] for name in names]
    axes.barh(range(len(names)), lengths, color=palette.VERMILION, height=0.6)
    axes.set_xlim(0, max(len(record), 1))
    label_absences(axes, [f"{name}, {counts[name]}" for name in names])


def _dots(axes: Axes, places: Array, **style: Any) -> None:
    """Points (K, 2)."""
    axes.scatter(places[:, 0], places[:, 1], **style)


def _span(axes: Axes, record: ReplayRecord) -> None:
    last = max(float(record.seconds.max(initial=0.0)), 1e-3)
    axes.set_xlim(-0.01 * last, 1.01 * last)


def _row_height(pictures: Sequence[FramePicture]) -> float:
    """Inches, with a title."""
    return 0.45 + WIDTH / COLUMNS * max(
        height / width for width, height in (p.size for p in pictures)
    )
