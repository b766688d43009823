"""What does the pose loss add to BPnPNet? The paper's central claim, at equal budget.

    python -m experiments.pose_loss DIR --dataset shapes --out out/pose_loss

For each seed a network is trained with Lc alone for --before epochs; from there one arm goes on
with Lc, the other with Lc + Lp, until --epochs. Both see the same samples in the same order.
Options that are not listed go to training.main. A second start goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bpnp_ros.figures import palette
from bpnp_ros.figures.panels import draw_paired_shares, save_figure
from training.common.run_folder import LAST
from training.main import main as train_or_test
from training.paper.measuring import ESTIMATES

ARMS = {"Lc": palette.BLUE, "Lc + Lp": palette.VERMILION}
MEASURES = ("rotation_deg", "translation")
Results = dict[str, list[dict[str, Any]]]
"""The test's figures of each arm, one a seed."""


def main() -> int:
    options, others = _parser().parse_known_args()
    results: Results = {arm: [] for arm in ARMS}
    try:
        for seed in range(options.seeds):
            for arm, figures in _run_seed(options, others, seed).items():
                results[arm].append(figures)
            _report(results, options.out)
    except _StoppedError as stopped:
        return int(stopped.args[0])
    return 0


class _StoppedError(Exception):
    """A run ended early, with this exit status; it has said why."""


def _run_seed(options: argparse.Namespace, others: list[str], seed: int) -> dict[str, Any]:
    folder = options.out / f"seed_{seed}"
    common = [str(options.data), *others, "--seed", str(seed)]
    before = ["--epochs", str(options.before), "--poseloss", str(options.before)]
    _train(folder / "before", [*common, *before])
    figures = {}
    for arm in ARMS:
        run = folder / arm.replace(" ", "")
        start = options.before if arm != "Lc" else options.epochs
        onward = ["--epochs", str(options.epochs), "--poseloss", str(start)]
        _train(run, [*common, *onward], start=folder / "before" / LAST)
        figures[arm] = _test(run, common)
    return figures


def _train(run: Path, arguments: list[str], start: Path | None = None) -> None:
    """Train in a folder, from where it stands, or from another run's checkpoint."""
    if (run / LAST).exists():
        start = run
    resume = [] if start is None else ["--resume", str(start)]
    _do([*arguments, "--validate-every", "0", "--log-dir", str(run), *resume])


def _test(run: Path, common: list[str]) -> dict[str, Any]:
    """The figures of the last epoch's weights on the test split."""
    if not (run / "test.json").exists():
        _do(["-e", *common, "--log-dir", str(run), "--resume", str(run / LAST)])
    content: dict[str, Any] = json.loads((run / "test.json").read_text())
    return content


def _do(arguments: list[str]) -> None:
    status = train_or_test(arguments)
    if status:
        raise _StoppedError(status)


def _report(results: Results, out: Path) -> None:
    """A table on the screen, results.json, and the plot."""
    (out / "results.json").write_text(json.dumps(results, indent=1))
    recalls = list(results["Lc"][0]["theta"]["recall"])
    print(f"\n{'':10}{'':8}" + "".join(f"{name:>22}" for name in (*MEASURES, *recalls)))
    for name in ESTIMATES:
        for arm in ARMS:
            cells = [_medians(results[arm], name, what) for what in MEASURES]
            cells += [[f[name]["recall"][t] for f in results[arm]] for t in recalls]
            text = "".join(f"{np.mean(c):>9.3f} ({min(c):.3f}-{max(c):.3f})" for c in cells)
            print(f"{arm:10}{name:8}{text}")
    save_figure(_figure(results, recalls), out / "pose_loss.png")


def _medians(runs: list[dict[str, Any]], estimate: str, measure: str) -> list[float]:
    medians = [figures[estimate][measure]["median"] for figures in runs]
    return [float("inf") if median is None else median for median in medians]


def _figure(results: Results, recalls: list[str]) -> Figure:
    """Recall of each seed, the two arms of a seed joined."""
    with matplotlib.rc_context(palette.STYLE):
        figure = Figure(figsize=(3.4 * len(recalls), 3.4))
        for column, tolerance in enumerate(recalls, start=1):
            _draw_recall(figure.add_subplot(1, len(recalls), column), results, tolerance)
    return figure


def _draw_recall(axes: Axes, results: Results, tolerance: str) -> None:
    shares = {
        name: [[f[name]["recall"][tolerance] for f in results[arm]] for arm in ARMS]
        for name in ESTIMATES
    }
    draw_paired_shares(axes, shares, list(ARMS.values()))
    axes.set_title(f"recall within {tolerance}")
    dots = [Line2D([], [], color=c, marker="o", ls="", label=arm) for arm, c in ARMS.items()]
    axes.legend(handles=dots)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.pose_loss",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("data", type=Path, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--before", type=int, default=120, help="epochs with Lc alone (120)")
    parser.add_argument("--epochs", type=int, default=160, help="of both arms, in all (160)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
