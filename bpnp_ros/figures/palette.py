"""The colours and the style of every figure.

Colours are those of Okabe and Ito, told apart by people of any colour vision.
"""

from __future__ import annotations

from typing import Any

BLUE, SKY, GREEN = "#0072B2", "#56B4E9", "#009E73"
ORANGE, VERMILION, PURPLE = "#E69F00", "#D55E00", "#CC79A7"
INK, GREY, PALE = "#222222", "#8A8F98", "#E9EBEE"
SERIES = (INK, GREEN, BLUE, ORANGE, VERMILION, PURPLE, SKY, GREY)
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
