"""The figures of a test over all samples: a table to read, one row a sample as CSV, JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.evaluation.metrics import PoseErrors, Tolerance, for_json, quantiles, recall
from training.paper.measuring import ESTIMATES, TRUTH, Row

MEASURES = ("rotation_deg", "translation", "reprojection_deg")
TOLERANCES = (Tolerance(0.05, 5.0), Tolerance(0.1, 2.0), Tolerance(0.25, 5.0))
"""In units of the set and degrees."""


def written(rows: Iterable[Row], path: Path) -> Iterator[Row]:
    """Pass rows on, each written to a CSV file as soon as it is known."""
    with path.open("w", newline="") as file:
        writer = None
        for row in rows:
            writer = writer or csv.DictWriter(file, list(row))
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow(row)
            file.flush()
            yield row


def summary(rows: list[Row]) -> dict[str, Any]:
    """Quartiles and recall of all samples; a failure counts as an infinite error."""
    return {
        "samples": len(rows),
        "seconds": _quartiles(_column(rows, "seconds")),
        **{name: _of_estimate(rows, name) for name in (*ESTIMATES, TRUTH)},
    }


def _of_estimate(rows: list[Row], name: str) -> dict[str, Any]:
    metres, degrees = (_column(rows, f"{name}_{what}") for what in ("translation", "rotation_deg"))
    errors = PoseErrors(metres, degrees)
    return {
        **{what: _quartiles(_column(rows, f"{name}_{what}")) for what in MEASURES},
        "inliers": _quartiles(_column(rows, f"{name}_inliers")),
        "recall": {f"{t.metres:g}, {t.degrees:g} deg": recall(errors, t) for t in TOLERANCES},
        "failed": int(np.isinf(metres).sum()),
    }


def table(figures: dict[str, Any]) -> str:
    """The summary for people: median and, in brackets, the quartiles."""
    words = ("rotation, deg", "translation", "reprojection, deg", "inliers")
    lines = [f"{'':8}" + "".join(f"{word:26}" for word in words)]
    for name in (*ESTIMATES, TRUTH):
        known = name == TRUTH
        cells = ["", ""] if known else [_cell(figures[name][what]) for what in MEASURES[:2]]
        cells += [_cell(figures[name][what]) for what in (MEASURES[2], "inliers")]
        lines.append(f"{name:8}" + "".join(f"{cell:26}" for cell in cells))
    lines.append(f"{'recall':8}" + "".join(f"{t:26}" for t in figures["theta"]["recall"]))
    for name in ESTIMATES:
        shares = [f"{100 * share:.1f} %" for share in figures[name]["recall"].values()]
        failed = f"{figures[name]['failed']} of {figures['samples']} found no pose"
        lines.append(f"{name:8}" + "".join(f"{cell:26}" for cell in (*shares, failed)))
    lines.append(f"seconds {_cell(figures['seconds'])}")
    return "\n".join(lines)


def write_json(path: Path, about: dict[str, Any], figures: dict[str, Any]) -> None:
    """JSON knows no infinity: null says that so many samples had no answer."""
    path.write_text(json.dumps(for_json({"about": about, **figures}), indent=1) + "\n")


def _column(rows: list[Row], name: str) -> NDArray[np.float64]:
    return np.array([row[name] for row in rows], np.float64)


def _quartiles(values: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(("q1", "median", "q3"), quantiles(values), strict=True))


def _cell(quartiles: dict[str, float]) -> str:
    return "{median:.3g} ({q1:.3g}, {q3:.3g})".format(**quartiles)
