"""Table and figure of the runs of an ablation."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from bpnp_ros.figures import palette
from bpnp_ros.figures.panels import draw_grid

Run = dict[str, Any]
"""arm, seed, samples, seconds of the processor, and figures by how cues were used."""
RECALL, LOSS = "recall ", "loss "


def rows(runs: list[Run]) -> dict[str, list[dict[str, float]]]:
    """Figures of each seed, by arm and by how cues were used."""
    by_row: dict[str, list[dict[str, float]]] = {}
    for run in runs:
        for added, figures in run["figures"].items():
            by_row.setdefault(run["arm"] + added, []).append({"seconds": run["seconds"], **figures})
    return by_row


def table(runs: list[Run]) -> list[str]:
    """Lines in Markdown: mean and range over the seeds."""
    by_row = rows(runs)
    names = list(next(iter(by_row.values()))[0])
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for row, seeds in by_row.items():
        cells = [_cell(name, [figures[name] for figures in seeds]) for name in names]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return lines


def _cell(name: str, values: list[float]) -> str:
    if name.startswith(RECALL):
        return "{:.0f} % ({:.0f}-{:.0f})".format(*(100 * v for v in _spread(values)))
    if name.startswith(LOSS):
        return "{:.2f} ({:.2f}-{:.2f})".format(*_spread(values))
    return f"{np.mean(values):,.0f}"


def _spread(values: list[float]) -> tuple[float, float, float]:
    return float(np.mean(values)), min(values), max(values)


def figure(runs: list[Run]) -> Figure:
    """Recall of each seed, a panel for each kind of problems, a line of dots for each arm."""
    by_row = rows(runs)
    kinds = [name for name in next(iter(by_row.values()))[0] if name.startswith(RECALL)]
    with matplotlib.rc_context(palette.STYLE):
        drawn = Figure(figsize=(2.2 * len(kinds) + 3, 0.32 * len(by_row) + 1.2))
        for panel, kind in zip(
            np.atleast_1d(drawn.subplots(1, len(kinds), sharey=True)), kinds, strict=True
        ):
            for place, seeds in enumerate(by_row.values()):
                shares = [100 * figures[kind] for figures in seeds]
                panel.scatter(shares, [place] * len(shares), color=palette.BLUE, alpha=0.6, s=18)
                panel.scatter(np.mean(shares), place, color=palette.INK, marker="|", s=90)
            panel.set_yticks(range(len(by_row)), list(by_row))
            panel.set_ylim(len(by_row) - 0.5, -0.5)
            panel.set_title(kind.removeprefix(RECALL))
            panel.xaxis.set_major_formatter(lambda share, _: f"{share:g} %")
            draw_grid(panel)
        drawn.tight_layout()
    return drawn
