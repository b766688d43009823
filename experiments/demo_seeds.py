"""The demo on walks it was not tuned for: python -m experiments.demo_seeds [--seeds 10] [--short].

Runs one demo after the other, prints every one of them, and exits with 0 when nine in ten pass.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ENOUGH = 0.9
PASSED, FAILED = 0, 1  # exit codes of a demo that ran
HEADING = (
    "seed  verdict  fixes within, s      accurate  wrong  by network  not answered  p50, p95 ms"
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.demo_seeds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="seeds 0 to N-1")
    parser.add_argument("--out", type=Path, default=Path("out/demo_seeds"), metavar="DIR")
    parser.add_argument("--short", action="store_true", help="20 s and one kidnap each")
    arguments = parser.parse_args()
    passed = 0
    print(HEADING)
    try:
        for seed in range(arguments.seeds):
            passed += run(seed, arguments.out / str(seed), ["--short"] * arguments.short)
    except KeyboardInterrupt:
        sys.exit("interrupted")
    print(f"{passed} of {arguments.seeds} pass")
    sys.exit(passed < ENOUGH * arguments.seeds)


def run(seed: int, folder: Path, options: list[str]) -> bool:
    """One demo in a process of its own; prints its line, and says whether it passed."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "bpnp_ros.tools.demo", "--path-seed", str(seed)]
    with (folder / "demo.log").open("w") as log:
        code = subprocess.call(
            [*command, "--out", str(folder), *options], stdout=log, stderr=subprocess.STDOUT
        )
    if code not in (PASSED, FAILED):
        print(f"{seed:4}  could not run: see {log.name}", flush=True)
        return False
    print(f"{seed:4}  {row(json.loads((folder / 'demo.json').read_text()))}", flush=True)
    return code == PASSED


def row(figures: dict[str, Any]) -> str:
    """The line of a run, from its demo.json."""
    seconds = [recovery["seconds"] for recovery in figures["recoveries"]]
    fixes = " ".join("never" if s is None else f"{s:5.1f}" for s in seconds)
    milliseconds = ", ".join(
        "-" if s is None else f"{1e3 * s:.0f}" for s in figures["latency_s"].values()
    )
    return (
        f"{'passed' if figures['passed'] else 'FAILED':7}  {fixes:20} "
        f"{100 * (figures['accurate_share'] or 0):6.1f} %  {figures['wrong']:5}  "
        f"{figures['global_fixes'].get('bpnpnet_map', 0):10}  {figures['unanswered']:12}  "
        f"{milliseconds}"
    )


if __name__ == "__main__":
    main()
