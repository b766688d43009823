"""The table of cases, and the figure: what a false_pose_rate costs, and whether it is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bpnp_ros.figures.palette import BLUE, GREY, VERMILION
from experiments.trust.record import NOWHERE, Record

HEAD = (
    "| case | frames | fixes | wrong | half-way | NEES / 6 | within 2 sigma |\n"
    "|---|---|---|---|---|---|---|"
)
RATES = np.logspace(-6, 0, 61)
DECADES = np.logspace(-4, 0, 9)
FEWEST = 20  # frames of a point of the calibration


def table(records: list[Record], rate: float) -> str:
    """A row a case; wrong poses are left out of NEES, of which median and mean are given."""
    cases = list(dict.fromkeys(record.case for record in records))
    rows = [_row(case, [r for r in records if r.case == case], rate) for case in cases]
    return "\n".join([HEAD, *rows])


def _row(case: str, records: list[Record], rate: float) -> str:
    fixes = [record for record in records if record.is_published(rate)]
    half_way = sum(record.is_half_way for record in fixes)
    right = [record for record in fixes if not record.is_wrong]
    cells = f"{case} | {len(records)} | {len(fixes)} | {wrong_ones(fixes)} | {half_way}"
    if not right:
        return f"| {cells} | | |"
    nees = np.array([record.nees for record in right])
    within = np.mean([record.within for record in right]) / 6
    return f"| {cells} | {np.median(nees):.2f}, {nees.mean():.2f} | {within:.0%} |"


def totals(records: list[Record], rate: float) -> str:
    """In words: fixes, wrong and half-way ones where the world is as told, and where it is not."""
    lines = list[str]()
    for is_told, words in ((True, "the world is as told"), (False, "it is not")):
        some = [record for record in records if record.is_told == is_told]
        fixes = [record for record in some if record.is_published(rate)]
        half_way = sum(record.is_half_way for record in fixes)
        counts = f"{wrong_ones(fixes)} wrong, {half_way} half-way"
        lines.append(f"where {words}, {len(fixes)} fixes of {len(some)} frames, {counts}")
    return "; ".join(lines)


def wrong_ones(fixes: list[Record]) -> str:
    """How many, and how many of them are right by a part of the map that moved."""
    wrong = [record for record in fixes if record.is_wrong]
    by_what_moved = sum(record.by_what_moved for record in wrong)
    return f"{len(wrong)}" + f" ({by_what_moved} by what moved)" * (by_what_moved > 0)


def figure(records: list[Record], path: Path) -> None:
    """Operating curve and calibration, side by side."""
    drawn = Figure(figsize=(9, 3.8), layout="constrained")
    curve, calibration = drawn.subplots(1, 2)
    _operating_curve(curve, records)
    _calibration(calibration, records)
    drawn.savefig(path, dpi=110)


def _operating_curve(axes: Axes, records: list[Record]) -> None:
    told = [record for record in records if record.is_told and record.metres < NOWHERE]
    asked = [record for record in records if record.is_told]
    right = np.array([r.probability for r in told if not r.is_wrong])
    wrong = np.array([r.probability for r in records if r.is_fix and r.is_wrong])
    found = [(right <= rate).sum() / len(asked) for rate in RATES]
    passed = [(wrong <= rate).sum() / len(records) for rate in RATES]
    axes.semilogx(RATES, 100 * np.array(found), color=BLUE)
    axes.semilogx(RATES, 100 * np.array(passed), color=VERMILION)
    axes.axvline(1e-3, color=GREY, linewidth=0.8)
    axes.set(
        title="found where as told (blue), wrong in all cases (red)",
        xlabel="false_pose_rate",
        ylabel="frames, %",
    )


def _calibration(axes: Axes, records: list[Record]) -> None:
    """Shares of wrong poses among those of a predicted probability, each from FEWEST or more."""
    fixes = [record for record in records if record.is_fix]
    for is_open, colour in ((False, BLUE), (True, VERMILION)):
        some = [r for r in fixes if (r.evidence or {})["is_open"] == is_open]
        predicted = np.array([r.probability for r in some])
        wrong = np.array([r.is_wrong for r in some])
        bins = np.digitize(predicted, DECADES)
        large = [b for b in np.unique(bins) if (bins == b).sum() >= FEWEST]
        mean = [max(predicted[bins == b].mean(), 1e-5) for b in large]
        axes.loglog(mean, [max(wrong[bins == b].mean(), 1e-5) for b in large], "o-", color=colour)
    axes.plot([1e-5, 1], [1e-5, 1], color=GREY, linewidth=0.8)
    axes.set(
        title="maps that hide points (blue), open maps (red)",
        xlabel="probability of a wrong pose, as predicted",
        ylabel="as observed (1e-5: none)",
    )
