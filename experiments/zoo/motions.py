"""What can be known of where a camera is, drawn: `python -m experiments.zoo.motions`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IMAGE = Path(__file__).parents[2] / "docs" / "images" / "motions.png"
LANDMARK, CAMERA, OPEN, KNOWN = "C1", "C0", "C3", "0.6"
LAMPS = np.array([[0.5, 3.0], [1.7, 3.0], [3.1, 3.0], [3.7, 3.0]])
AROUND = np.array([[0.4, 2.6], [0.3, 0.9], [1.9, 3.2], [3.6, 2.4], [3.8, 0.8]])


def draw(path: Path) -> None:
    """The five words of `motion`, a panel each: what is unknown is red."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 2.7), layout="constrained")
    panels = (_floor, _level, _free, _photographs, _rotation)
    for axes, panel in zip(figure.subplots(1, len(panels)), panels, strict=True):
        panel(axes)
        axes.set(xlim=(-0.2, 4.2), ylim=(-0.2, 3.7), xticks=[], yticks=[], aspect="equal")
    figure.savefig(path, dpi=110)


def _floor(axes: Axes) -> None:
    axes.set_title("floor")
    _landmarks(axes, LAMPS)
    axes.plot([0, 4], [0, 0], color=KNOWN, linewidth=3)
    axes.fill_between([1.4, 2.4], 0.08, 0.43, color=KNOWN)
    _camera(axes, (1.9, 0.6), 90)
    axes.annotate("", (2.9, 0.6), (2.9, 0.02), arrowprops={"arrowstyle": "<->", "color": KNOWN})
    axes.text(3.0, 0.22, "known", color=KNOWN)
    _unknown(axes, "x, y, heading")


def _level(axes: Axes) -> None:
    axes.set_title("level")
    _landmarks(axes, AROUND)
    axes.annotate("up", (0.9, 2.3), (0.85, 0.9), arrowprops={"arrowstyle": "->", "color": KNOWN})
    _camera(axes, (1.9, 1.7), 0)
    axes.annotate("", (1.9, 2.7), (1.9, 0.7), arrowprops={"arrowstyle": "<->", "color": OPEN})
    _unknown(axes, "x, y, height, heading")


def _free(axes: Axes) -> None:
    axes.set_title("free")
    _landmarks(axes, AROUND)
    _camera(axes, (1.9, 1.7), 35)
    _turning(axes, (1.9, 1.7))
    _unknown(axes, "all six")


def _photographs(axes: Axes) -> None:
    axes.set_title("photographs")
    _landmarks(axes, np.array([[1.0, 3.1], [1.5, 2.8], [2.0, 3.2], [2.6, 2.9], [3.0, 3.1]]))
    for x, turn in ((0.5, 65), (1.4, 80), (2.4, 95), (3.4, 110)):
        _camera(axes, (x, 0.9), turn, KNOWN)
    _camera(axes, (1.95, 1.15), 88)
    _unknown(axes, "near which")


def _rotation(axes: Axes) -> None:
    axes.set_title("rotation")
    angle = np.radians([25, 50, 75, 100, 130, 155])
    _landmarks(axes, np.column_stack([2 + 1.9 * np.cos(angle), 1.2 + 1.9 * np.sin(angle)]))
    _camera(axes, (2.0, 1.2), 70)
    _turning(axes, (2.0, 1.2))
    axes.text(2.0, 0.3, "landmarks at infinity", color=KNOWN, ha="center")
    _unknown(axes, "a turn, three angles")


def _landmarks(axes: Axes, at: np.ndarray) -> None:
    axes.plot(*at.T, "*", color=LANDMARK, markersize=11)


def _camera(axes: Axes, at: tuple[float, float], degrees: float, color: str = CAMERA) -> None:
    from matplotlib.patches import Circle, Wedge

    axes.add_patch(Wedge(at, 1.1, degrees - 28, degrees + 28, color=color, alpha=0.2))
    axes.add_patch(Circle(at, 0.13, color=color))


def _turning(axes: Axes, at: tuple[float, float]) -> None:
    from matplotlib.patches import Arc

    axes.add_patch(Arc(at, 0.9, 0.9, theta1=150, theta2=390, color=OPEN, linewidth=2))


def _unknown(axes: Axes, words: str) -> None:
    axes.set_xlabel(f"unknown: {words}", color=OPEN)


if __name__ == "__main__":
    draw(IMAGE)
