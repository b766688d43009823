"""The table and the figure of the zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HEAD = (
    "| map | landmarks | 4-5 in view | 6-9 | 10 or more | drive | wrong poses | median error | ms, "
    "first / tracked | start-up |\n|---|---|---|---|---|---|---|---|---|---|"
)


def table(results: list[dict[str, Any]]) -> str:
    """A row of Markdown for each kind, and one for each of its peers."""
    return "\n".join([HEAD, *(row for line in results for row in rows_of(line))])


def rows_of(line: dict[str, Any]) -> list[str]:
    """Of one kind: ours, then its peers'."""
    peers = line.get("peers", {}).items()
    return [_row(line, line["kind"]), *(_row(peer, f"- {name}") for name, peer in peers)]


def _row(line: dict[str, Any], name: str) -> str:
    shares = [_share(found, of) for found, of in zip(line["found"], line["of"], strict=True)]
    wrong = line["wrong"] + line.get("wrong_driven", 0)
    times = [line["ms"], line.get("driven_ms")]
    cells = [
        name,
        line.get("landmarks", ""),
        *shares,
        _share(line.get("driven", 0), line.get("driven_of", 0)),
        wrong,
        _error(line),
        " / ".join(f"{ms:.0f}" for ms in times if ms is not None),
        f"{line['start_s']:g} s" if "start_s" in line else "",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _error(line: dict[str, Any]) -> str:
    metres, degrees = line["median_error_mm"], line["median_error_deg"]
    return "-" if metres is None else f"{metres:g} mm, {degrees:g} deg"


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
        for peer in line.get("peers", {}).values():
            share = 100 * sum(peer["found"][1:]) / max(sum(peer["of"][1:]), 1)
            axes.plot([share], [at - 0.2], "kx", markersize=5)
    axes.set_yticks(range(len(results)), [line["kind"] for line in results])
    axes.invert_yaxis()
    axes.set_xlabel(
        "found, % (blue: first fixes with 6 or more in view; crosses: peers; orange: drives)"
    )
    axes.axvline(95, color="grey", linewidth=0.8)
    drawn.savefig(path, dpi=110)
