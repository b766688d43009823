"""What each part of the network for any map is worth: python -m experiments.ablation.

Every arm is trained from random weights on as many samples with each seed, then judged on
simulated problems that it was not trained on, and on those of an `sfm` data set. A second start
goes on after the last run that was finished. Prints a table and draws a figure.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from bpnp_ros.command import run_command
from bpnp_ros.figures.panels import save_figure
from bpnp_ros.network.matching import MatchingNetwork
from experiments.ablation.arms import ARMS, Arm
from experiments.ablation.cues import CueChannels
from experiments.ablation.judging import Problems, Ways
from experiments.ablation.report import Run, figure, table
from experiments.ablation.training import trained

WAYS = {
    "": Ways(),
    ", cues beside its odds": Ways(beside=True),
    ", cues known": Ways(as_channels=True),
    ", cues known and beside its odds": Ways(as_channels=True, beside=True),
}
"""What is added to an arm's name."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.ablation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=Path("out/ablation"), metavar="DIR")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=2400, help="of a training (2400)")
    parser.add_argument("--problems", type=int, default=48, help="of each kind and rate (48)")
    parser.add_argument("--scenes", type=Path, metavar="DIR", help="with an `sfm` data set")
    options = parser.parse_args()
    torch.set_num_threads(1)
    run_command(lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out / "runs.jsonl"
    problems = Problems(options.scenes, options.problems)
    for seed in range(options.seeds):
        for arm in ARMS:
            if (arm, seed) not in {(run["arm"], run["seed"]) for run in _runs(kept)}:
                run = _one(arm, seed, options.samples, problems)
                with kept.open("a") as file:
                    file.write(json.dumps(run) + "\n")
    runs = _runs(kept)
    print("\n".join(table(runs)))
    save_figure(figure(runs), options.out / "ablation.png")


def _runs(kept: Path) -> list[Run]:
    return [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []


def _one(arm: str, seed: int, samples: int, problems: Problems) -> Run:
    network, seconds = trained(ARMS[arm], seed, samples)
    print(f"{arm}, seed {seed}: {seconds:.0f} s", flush=True)
    figures = {
        added: problems.figures(network, ways)
        for added, ways in WAYS.items()
        if _can(ARMS[arm], network, ways)
    }
    return {"arm": arm, "seed": seed, "samples": samples, "seconds": seconds, "figures": figures}


def _can(arm: Arm, network: MatchingNetwork, ways: Ways) -> bool:
    needs_channels = ways.as_channels and not isinstance(network, CueChannels)
    return ways == Ways() or (arm.with_cues and not needs_channels)


if __name__ == "__main__":
    main()
