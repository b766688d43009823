"""First fixes and drives in many kinds of maps: recall by landmarks in view, wrong poses, time.

Each first fix is asked for by itself; a drive is ten seconds at 10 Hz with stamps and odometry, of
which the first three seconds are not counted. The settings are the defaults and what the user of
such a map would tell. Every frame counts in every recall, also those with too few keypoints left.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from experiments.zoo import buildings, ground, lamps, real, rooms, scenes, sites
from experiments.zoo.peers import peers_of
from experiments.zoo.report import figure, rows_of, table
from experiments.zoo.run import result
from experiments.zoo.trial import Kind

KINDS: dict[str, Kind] = {
    **lamps.KINDS,
    **ground.KINDS,
    **rooms.KINDS,
    **sites.KINDS,
    **buildings.KINDS,
    **scenes.KINDS,
    **real.KINDS,
}
DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    done = _done(options.results)
    for name, kind in KINDS.items():
        key = f"{name}, seed {options.seed}, {options.frames} frames"
        chosen = not options.kind or any(words in name for words in options.kind)
        if not chosen or key in done:
            continue
        path = getattr(kind, "path", None)
        if path is not None and not path.is_file():
            print(f"{name} is left out: {path.name} is not in the folder BPNP_SHARED_DATA names")
            continue
        trial = kind.trial(options.frames, options.seed)
        line = {"kind": name, "key": key, **result(trial)}
        line["peers"] = peers_of(trial) if options.peers else {}
        done[key] = line
        with options.results.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print("\n".join(rows_of(line)), flush=True)
    if options.docs:
        _write(done, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments.zoo", description=__doc__)
    parser.add_argument("--kind", nargs="*", help="only those with one of these in their name")
    parser.add_argument("--frames", type=int, default=50, help="first fixes of each kind (50)")
    parser.add_argument("--seed", type=int, default=1, help="of maps, poses and noise (1)")
    parser.add_argument("--peers", action="store_true", help="ask peers about the same frames")
    parser.add_argument(
        "--results", type=Path, default=Path("zoo.jsonl"), help="a line a kind; goes on from there"
    )
    parser.add_argument("--docs", action="store_true", help="write docs/zoo.md and its figure")
    return parser.parse_args()


def _done(path: Path) -> dict[str, dict[str, object]]:
    lines = path.read_text().splitlines() if path.is_file() else []
    return {line["key"]: line for line in map(json.loads, lines)}


def _write(done: dict[str, dict[str, object]], options: argparse.Namespace) -> None:
    """The page between its two marks, and the figure."""
    chosen = f"seed {options.seed}, {options.frames} frames"
    keys = [f"{name}, {chosen}" for name in KINDS]
    results = [done[key] for key in keys if key in done]
    page = DOCS / "zoo.md"
    before, _, rest = page.read_text().partition("<!-- table -->\n")
    _, _, after = rest.partition("<!-- end of table -->\n")
    marked = f"<!-- table -->\nMeasured: {chosen} a kind.\n\n{table(results)}\n"
    page.write_text(f"{before}{marked}<!-- end of table -->\n{after}")
    figure(results, DOCS / "images" / "zoo.png")


if __name__ == "__main__":
    main()
