"""Is a camera followed rightly, or not at all? `python -m experiments.walks`.

Walks of 30 s at 10 Hz with bursts of clutter (60 %), darkness, a fast turn (2 rad/s) and a kidnap,
to a look-alike place where the world has one. Every frame counts. Wrong: off by more than 0.5 m or
5 deg; half-way: by more than 0.1 m. Each walk is a line of a file; what is in it is not done again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from experiments.walks.run import walked
from experiments.walks.worlds import WORLDS

PAGE = Path(__file__).parents[2] / "docs" / "trust.md"
START, END = "<!-- walks -->\n", "<!-- end of walks -->\n"
COUNTS = ("frames", "fixes", "tracked", "wrong", "wrong_tracked", "half_way", "unclaimed")
Lines = dict[str, dict[str, object]]


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    done = _done(options.results)
    asked = [
        (world, seed, walk)
        for world in WORLDS
        for seed in options.seeds
        for walk in range(options.walks)
        if options.world in world
    ]
    for world, seed, walk in asked:
        key = f"{world}, seed {seed}, walk {walk}"
        if key not in done:
            done[key] = {"key": key, "world": world, "seed": seed, **walked(world, seed, walk)}
            with options.results.open("a") as file:
                file.write(json.dumps(done[key]) + "\n")
            said = ", ".join(f"{name} {done[key][name]}" for name in COUNTS)
            print(f"{len(done)} walks; {key}: {said}", flush=True)
    chosen = [line for line in done.values() if line["seed"] in options.seeds]
    text = table(chosen)
    print(text)
    if options.docs:
        before, _, rest = PAGE.read_text().partition(START)
        seeds = ", ".join(str(seed) for seed in options.seeds)
        PAGE.write_text(f"{before}{START}Seeds {seeds}.\n\n{text}\n{END}{rest.partition(END)[2]}")


def table(lines: list[dict[str, object]]) -> str:
    """A row a world, and one for all."""
    head = ["world", *(name.replace("_", " ") for name in COUNTS), "ms tracked"]
    rows = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for world in [*WORLDS, ""]:
        some = [line for line in lines if world in ("", line["world"])]
        if some:
            total = {name: sum(line[name] for line in some) for name in (*COUNTS, "tracked_ms")}  # type: ignore[misc]
            ms = f"{total['tracked_ms'] / max(total['tracked'], 1):.1f}"
            counts = [str(total[name]) for name in COUNTS]
            rows.append("| " + " | ".join([world or "all", *counts, ms]) + " |")
    return "\n".join(rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments.walks", description=__doc__)
    parser.add_argument("--world", default="", help="only those with this in their name")
    parser.add_argument("--seeds", type=int, nargs="+", default=[51, 52], help="of the worlds")
    parser.add_argument("--walks", type=int, default=2, help="in each world of each seed")
    parser.add_argument("--results", type=Path, default=Path("walks.jsonl"), help="a line a walk")
    parser.add_argument("--docs", action="store_true", help="write the table into docs/trust.md")
    return parser.parse_args()


def _done(path: Path) -> Lines:
    lines = path.read_text().splitlines() if path.is_file() else []
    return {line["key"]: line for line in map(json.loads, lines)}


if __name__ == "__main__":
    main()
