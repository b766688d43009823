"""Parts of figures, each drawn into given axes: floor plans, paths, errors over time.

Colours are those of Okabe and Ito, told apart by people of any colour vision; what matters has a
shape of its own as well.
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

from bpnp_ros.simulation.boxes import Boxes

Array = NDArray[np.float64]

BLUE, SKY, GREEN = "#0072B2", "#56B4E9", "#009E73"
ORANGE, VERMILION, PURPLE = "#E69F00", "#D55E00", "#CC79A7"
INK, GREY, PALE = "#222222", "#8A8F98", "#E9EBEE"
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "legend.frameon": False,
}


def draw_floor(axes: Axes, walls: Boxes, furniture: Boxes) -> None:
    """A floor plan in metres: walls cut above the tables, so that doors are open; a scale."""
    for boxes, height, colour in ((furniture, 0.3, PALE), (walls, 1.2, "#4A4F57")):
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
    axes.plot([x, x + metres], [y, y], color=INK, lw=2, solid_capstyle="butt")
    axes.text(x + metres + 0.15, y, f"{metres:g} m", va="center", fontsize=9)


def draw_path(axes: Axes, positions: Array, breaks: tuple[int, ...] = (), **style: Any) -> None:
    """A path (F, 2 or 3) from above; each of the rows `breaks` starts a new piece."""
    gapped = np.insert(positions[:, :2], list(breaks), np.nan, axis=0)
    axes.plot(gapped[:, 0], gapped[:, 1], **style)


def save_figure(figure: Figure, path: Path, dpi: int = 160) -> None:
    figure.savefig(path, dpi=dpi, facecolor="white", bbox_inches="tight", pad_inches=0.2)
