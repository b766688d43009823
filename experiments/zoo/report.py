"""The table and the figure of the zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HEAD = (
    "| map | 4-5 in view | 6-9 | 10 or more | drive | wrong poses | median error | ms |\n"
    "|---|---|---|---|---|---|---|---|"
)


def table(results: list[dict[str, Any]]) -> str:
    """A row of Markdown for each kind."""
    return "\n".join([HEAD, *map(_row, results)])


def _row(line: dict[str, Any]) -> str:
    shares = [_share(found, of) for found, of in zip(line["found"], line["of"], strict=True)]
    shares.append(_share(line["driven"], line["driven_of"]))
    error = line["median_error_mm"]
    cells = [line["kind"], *shares, line["wrong"], "-" if error is None else f"{error:g} mm"]
    return f"| {' | '.join(map(str, cells))} | {line['ms']} |"


def _share(found: int, of: int) -> str:
    return f"{found} of {of}" if of else "-"


def figure(results: list[dict[str, Any]], path: Path) -> None:
    """Recall of first fixes with six landmarks or more, and of drives, a bar each."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(8, 0.35 * len(results) + 1), layout="constrained")
    axes = drawn.add_subplot()
    for at, line in enumerate(results):
        found, of = sum(line["found"][1:]), sum(line["of"][1:])
        axes.barh(at - 0.2, 100 * found / max(of, 1), 0.4, color="C0")
        axes.barh(at + 0.2, 100 * line["driven"] / max(line["driven_of"], 1), 0.4, color="C1")
    axes.set_yticks(range(len(results)), [line["kind"] for line in results])
    axes.invert_yaxis()
    axes.set_xlabel("found, % (blue: first fixes with 6 or more in view; orange: drives)")
    axes.axvline(95, color="grey", linewidth=0.8)
    drawn.savefig(path, dpi=110)
