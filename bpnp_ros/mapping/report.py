"""What is left of a mapping run: the map, a page to look at, and some lines for people."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bpnp_ros.figures import palette
from bpnp_ros.figures.panels import draw_grid, draw_path, save_figure
from bpnp_ros.mapping.landmarks import Landmarks
from bpnp_ros.mapping.sightings import Sightings
from bpnp_ros.point_map.formats.cues import UNKNOWN_LABEL
from bpnp_ros.point_map.writing import write_map


def write_results(path: Path, sightings: Sightings, found: Landmarks) -> list[Path]:
    """The map, and its page beside it."""
    columns = dict(zip("xyz", found.points.T, strict=True))
    columns |= {name: cue for name, cue in found.cues.items() if np.isfinite(cue).any()}
    if "label" in columns:
        known = np.nan_to_num(columns["label"], nan=UNKNOWN_LABEL)
        columns["label"] = known.astype(np.int64)
    columns |= {
        "detectability": found.share,
        "observations": found.observations,
        "deviation": found.deviation,
    }
    write_map(path, columns)
    page = path.with_suffix(".png")
    save_figure(landmark_figure(sightings, found), page, dpi=110)
    return [path, page]


def lines(sightings: Sightings, found: Landmarks) -> list[str]:
    """The run in a few sentences."""
    residual = found.residual[np.isfinite(found.residual)]
    millimetres = 1e3 * found.deviation
    said = [
        f"{len(sightings.T_map_camera)} frames with a pose, {len(sightings)} lights in them",
        f"{len(found)} landmarks, each in {np.median(found.observations):.0f} frames (median); "
        f"their lights are {np.median(residual):.2f} px away (median)",
        f"standard deviation {np.median(millimetres):.1f} mm (median), {millimetres.max():.1f} mm "
        "(worst); errors of the poses that many frames share are not in it",
    ]
    if found.left_out:
        reasons = ", ".join(f"{count} {reason}" for reason, count in found.left_out.items())
        said.append(f"left out: {reasons}")
    return said


def landmark_figure(sightings: Sightings, found: Landmarks) -> Figure:
    """The landmarks from above and from the side, and how well their lights agree."""
    with matplotlib.rc_context(palette.STYLE):
        figure = Figure(figsize=(13, 7))
        above = figure.add_axes((0.04, 0.32, 0.58, 0.6))
        side = figure.add_axes((0.04, 0.07, 0.58, 0.2))
        errors = figure.add_axes((0.7, 0.58, 0.28, 0.34))
        deviations = figure.add_axes((0.7, 0.1, 0.28, 0.34))
        _draw_places(above, sightings, found, (0, 1))
        _draw_places(side, sightings, found, (0, 2))
        above.set_title(f"{len(found)} landmarks and the way of the camera, m, from above")
        side.set_title("from the side")
        _histogram(errors, found.residual, "Lights beside their landmark, px")
        _histogram(deviations, 1e3 * found.deviation, "Standard deviation of a landmark, mm")
    return figure


def _draw_places(
    axes: Axes, sightings: Sightings, found: Landmarks, plane: tuple[int, int]
) -> None:
    draw_path(axes, sightings.positions[:, plane], color=palette.SKY, lw=2)
    x, y = found.points[:, plane].T
    axes.scatter(x, y, s=28, color=palette.ORANGE, edgecolors=palette.INK, lw=0.6, zorder=3)
    axes.set_aspect("equal", adjustable="datalim")
    draw_grid(axes)


def _histogram(axes: Axes, values: np.ndarray, title: str) -> None:
    values = values[np.isfinite(values)]
    axes.hist(values.clip(max=np.percentile(values, 99)), bins=40, color=palette.BLUE)
    axes.set_title(title)
    draw_grid(axes)
