"""Hostile messages and damaged files: each must be answered, or refused in a sentence.

`python test/fuzz --seed 0 --inputs 2000` tries 2,000 inputs, prints a table by kind, and what went
wrong: a traceback, a crash, a hang, more than 2 GB, or an answer that is none, such as a made-up
pose. `--number 17` tries that one input alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(TESTS), str(TESTS.parent)]  # `training` is not installed

from fuzz.campaign import place_of, run
from fuzz.inputs import KINDS, Outcome, kind_of
from fuzz.summary import failed, table


def main() -> int:
    parser = argparse.ArgumentParser("test/fuzz", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--number", type=int, help="try this input alone")
    parser.add_argument("--kind", choices=list(KINDS), help="only inputs of this kind")
    options = parser.parse_args()
    numbers = range(options.inputs) if options.number is None else [options.number]
    chosen = [number for number in numbers if options.kind in (None, kind_of(number))]
    folder = Path(tempfile.mkdtemp(prefix="bpnp_fuzz_"))
    outcomes = []
    for outcome in run(options.seed, chosen, folder):
        outcomes.append(outcome)
        if failed(outcome):
            _tell(outcome, options.seed, folder)
    print(table(outcomes))
    return int(any(map(failed, outcomes)))


def _tell(outcome: Outcome, seed: int, folder: Path) -> None:
    number = outcome.number
    print(f"{kind_of(number)}: {outcome.result}")
    print(f"  python test/fuzz --seed {seed} --number {number}")
    print(f"  input: {place_of(seed, number, folder)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
