"""Parts of figures, each drawn into given axes: floor plans, paths, errors over time.

What matters has a shape of its own as well as a colour.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from bpnp_ros.figures import palette
from bpnp_ros.simulation.boxes import Boxes

Array = NDArray[np.float64]
Shares = list[float]


def draw_floor(axes: Axes, walls: Boxes, furniture: Boxes) -> None:
    """A floor plan in metres: walls cut above the tables, so that doors are open; a scale."""
    for boxes, height, colour in ((furniture, 0.3, palette.PALE), (walls, 1.2, "#4A4F57")):
        cut = (boxes.lower[:, 2] < height) & (boxes.upper[:, 2] > height)
        patches = [
            Rectangle((low[0], low[1]), high[0] - low[0], high[1] - low[1])
            for low, high in zip(boxes.lower[cut], boxes.upper[cut], strict=True)
        ]
        axes.add_collection(PatchCollection(patches, facecolor=colour, edgecolor="none"))
    axes.set_aspect("equal")
    axes.axis("off")
    _draw_scale(axes, walls.lower[:, :2].min(axis=0) - [0, 0.45])


def _draw_scale(axes: Axes, corner: Array, metres: float = 2.0) -> None:
    x, y = corner
    axes.plot([x, x + metres], [y, y], color=palette.INK, lw=2, solid_capstyle="butt")
    axes.text(x + metres + 0.15, y, f"{metres:g} m", va="center", fontsize=9)


def draw_path(axes: Axes, positions: Array, breaks: tuple[int, ...] = (), **style: Any) -> None:
    """A path (F, 2 or 3) from above; each of the rows `breaks` starts a new piece."""
    gapped = np.insert(positions[:, :2], list(breaks), np.nan, axis=0)
    axes.plot(gapped[:, 0], gapped[:, 1], **style)


def draw_grid(axes: Axes) -> None:
    """Level lines, behind everything else."""
    axes.grid(axis="y", color=palette.PALE, lw=0.8)
    axes.set_axisbelow(True)


def draw_error_scale(axes: Axes, bound: float, meaning: str) -> None:
    """A logarithmic scale with a line at `bound`, and what that bound means."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    draw_grid(axes)
    axes.axhline(bound, color=palette.VERMILION, lw=1.2, ls="--")
    axes.text(0, bound * 1.15, f"{meaning} {bound:g}", fontsize=8.5, color=palette.VERMILION)


def label_absences(axes: Axes, reasons: list[str]) -> None:
    """Name the rows, the first on top, of reasons why messages have no pose."""
    axes.set_yticks(range(len(reasons)), reasons, fontsize=8.5, color=palette.INK)
    axes.set_ylim(max(len(reasons), 1) - 0.4, -0.6)
    axes.set_title("Messages without a pose" if reasons else "Every message was answered by a pose")


def draw_paired_shares(axes: Axes, shares: dict[str, list[Shares]], colours: list[str]) -> None:
    """Shares under each name, a column of dots a side; what belongs together is joined.

    shares: of each name, of each side, as many as there are pairs, from 0 to 1.
    """
    offsets = (np.arange(len(colours)) - (len(colours) - 1) / 2) * 0.3
    for column, of_sides in enumerate(shares.values()):
        places = column + offsets
        for joined in zip(*of_sides, strict=True):
            axes.plot(places, joined, color=palette.GREY, lw=0.8, zorder=1)
        for place, of_side, colour in zip(places, of_sides, colours, strict=True):
            axes.scatter([place] * len(of_side), of_side, color=colour)
    axes.set_xticks(range(len(shares)), list(shares))
    axes.set_ylim(0, 1)


def save_figure(figure: Figure, path: Path, dpi: int = 160) -> None:
    figure.savefig(path, dpi=dpi, facecolor="white", bbox_inches="tight", pad_inches=0.2)
