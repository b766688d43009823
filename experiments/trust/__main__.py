"""Poses, probabilities and covariances against the truth, in worlds as told and in hostile ones.

python -m experiments.trust [--results trust.jsonl] [--seeds 71 72] [--docs]. The table of what
`python -m experiments.trust.collect` has collected, of seeds that calibrated nothing. Wrong: off by
more than the case allows, half a metre as a rule, or 5 deg; half-way: by more than 0.1 m.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bpnp_ros.configuration.parameters import LocalizerConfig
from experiments.trust.collect import RESULTS
from experiments.trust.record import Record, load
from experiments.trust.report import figure, table, totals

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.trust", description=__doc__)
    parser.add_argument("--results", type=Path, nargs="+", default=[RESULTS])
    parser.add_argument("--seeds", type=int, nargs="+", help="those to report; all by default")
    parser.add_argument("--docs", action="store_true", help="write docs/trust.md and its figure")
    options = parser.parse_args()
    records = [record for path in options.results for record in load(path)]
    records = [r for r in records if not options.seeds or r.seed in options.seeds]
    rate = LocalizerConfig().false_pose_rate
    print(f"{table(records, rate)}\n\n{totals(records, rate)}")
    if options.docs:
        _write(records, rate)


def _write(records: list[Record], rate: float) -> None:
    """The page between its two marks, and the figure."""
    seeds = ", ".join(map(str, sorted({record.seed for record in records})))
    page = DOCS / "trust.md"
    before, _, rest = page.read_text().partition(BEGIN)
    measured = f"Seeds {seeds}, false_pose_rate {rate:g}: {totals(records, rate)}."
    marked = f"{BEGIN}{measured}\n\n{table(records, rate)}\n{END}"
    page.write_text(f"{before}{marked}{rest.partition(END)[2]}")
    figure(records, DOCS / "images" / "trust.png")


if __name__ == "__main__":
    main()
