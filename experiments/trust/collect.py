"""Frames of all cases through the localiser, each with what became of it; goes on where it was.

python -m experiments.trust.collect [--seeds 41 42] [--frames 20] [--case NAME]. No first fix is
refused for its probability, so that any weights and any false_pose_rate can be judged afterwards.
All else goes by the usual rate: when a search is ended, when another lens is believed, when a
camera that is followed is doubted.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer import search
from bpnp_ros.localizer.localizer import TRACKING, Localizer
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.types import Fix, Rejection
from experiments.trust.cases import CASES
from experiments.trust.record import Record, append, load
from experiments.trust.worlds.case import Case, Shot
from experiments.trust.worlds.in_buildings import NEAR

RESULTS = Path("trust.jsonl")
SECONDS = 0.1  # from one tracked frame to the next
USUAL_RATE = LocalizerConfig().false_pose_rate
SURELY = search.SURELY * USUAL_RATE


def collect(case: Case, seed: int, frames: int, path: Path) -> None:
    """The frames of one case and seed that are not there yet."""
    there = sum(record.case == case.name and record.seed == seed for record in load(path))
    if there >= frames:
        return
    localizer = case.localizer(seed)
    shots = islice(enumerate(case.shots(localizer, seed)), there, frames)
    for frame, shot in shots:
        append(path, Record.of(case, seed, frame, shot, answer(localizer, shot)))


def answer(localizer: Localizer, shot: Shot) -> Fix | Rejection | None:
    """Of a first fix; or of a frame that follows one found near its truth, if that was found."""
    localizer.reset()
    _judge_first_fixes(localizer, 1.0 if shot.before is None else USUAL_RATE)
    if shot.before is None:
        return localizer.localize(shot.keypoints, prior=shot.prior)
    keypoints, T_map_camera = shot.before
    localizer.localize(keypoints, stamp=0.0, prior=PosePrior(T_map_camera, NEAR))
    if localizer.state != TRACKING:
        return None
    return localizer.localize(shot.keypoints, stamp=SECONDS)


def _judge_first_fixes(localizer: Localizer, rate: float) -> None:
    """At a false_pose_rate of their own; looked for at length when the usual one asks for that."""
    config = replace(localizer.config, false_pose_rate=USUAL_RATE)
    localizer.config = config
    localizer._search.config = replace(config, false_pose_rate=rate)
    search.SURELY = SURELY / rate


def chosen(words: str) -> Iterator[Case]:
    """Cases with these words in their name or kind."""
    for case in CASES.values():
        if words in case.name or words in case.kind:
            yield case


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.trust.collect", description=__doc__
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[41, 42])
    parser.add_argument("--frames", type=int, default=20, help="of each case and seed (20)")
    parser.add_argument("--case", default="", help="only those with this in name or kind")
    parser.add_argument("--results", type=Path, default=RESULTS, help="a line a frame")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for seed in options.seeds:
        for case in chosen(options.case):
            collect(case, seed, options.frames, options.results)
            print(f"{case.name}, seed {seed}", flush=True)


if __name__ == "__main__":
    main()
