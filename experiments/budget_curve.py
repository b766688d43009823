"""Draw what more training brought: python -m experiments.budget_curve [PAGE].

PAGE is the model card with the table of recall over the minutes of training; the figure
`images/any_map_budget.png` beside it is drawn anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from bpnp_ros.command import run_command
from bpnp_ros.errors import ConfigError
from bpnp_ros.figures import palette
from bpnp_ros.figures.panels import draw_grid, save_figure

HEAD = "| of the 85 minutes |"
IMAGE = "images/any_map_budget.png"
MARKERS = "sDo^v<"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path, nargs="?", default=Path("docs/model_cards.md"))
    page = parser.parse_args().page
    run_command(lambda: save_figure(curve(recall_by_budget(page)), page.parent / IMAGE))


def recall_by_budget(page: Path) -> dict[str, dict[float, float]]:
    """Recall in % by setting and minutes. Raises ConfigError where the page has no such table."""
    rows: list[list[str]] = []
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith(HEAD) or (rows and line.startswith("|")):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            break
    if len(rows) < 3:
        raise ConfigError(f"{page} has no table that begins with '{HEAD}'.")
    settings, measured = rows[0][2:], rows[2:]
    return {
        setting: {float(row[0]): float(row[2 + at]) for row in measured}
        for at, setting in enumerate(settings)
    }


def curve(recall: dict[str, dict[float, float]]) -> Figure:
    """A line for each setting, over minutes of one thread on a logarithmic axis."""
    with matplotlib.rc_context(palette.STYLE):
        figure = Figure(figsize=(7, 4.4))
        axes = figure.subplots()
        for number, (setting, by_minutes) in enumerate(recall.items()):
            axes.plot(
                list(by_minutes),
                list(by_minutes.values()),
                label=setting,
                color=palette.SERIES[number],
                marker=MARKERS[number],
                lw=1.8,
            )
        axes.set_xscale("log", base=2)
        minutes = list(next(iter(recall.values())))
        axes.set_xticks(minutes, [f"{m:g}" for m in minutes])
        axes.set_xlabel("minutes of training, one CPU thread")
        axes.set_ylim(0, 100)
        axes.yaxis.set_major_formatter(lambda height, _: f"{height:g} %")
        axes.set_title("Poses within 5 % of the depth and 5 deg, 24 real scenes")
        draw_grid(axes)
        axes.legend(title="unmatched", loc="upper left", bbox_to_anchor=(1, 1))
    return figure


if __name__ == "__main__":
    main()
