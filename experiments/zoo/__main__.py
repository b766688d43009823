"""First fixes and drives in many kinds of maps: recall by landmarks in view, wrong poses, time.

Each first fix is asked for by itself; a drive is ten seconds at 10 Hz with stamps, of which the
first three are not counted. A tenth of the landmarks in view is missed, a fifth of the keypoints is
clutter, each has one pixel of noise. The settings are the defaults and what the user of such a map
would tell. Every frame counts in every recall, also those with too few keypoints left.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from experiments.zoo import ground, lamps, real, rooms
from experiments.zoo.kind import Kind
from experiments.zoo.real import RealKind
from experiments.zoo.report import figure, table
from experiments.zoo.run import result

KINDS: dict[str, Kind | RealKind] = {**lamps.KINDS, **ground.KINDS, **rooms.KINDS, **real.KINDS}
DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    done = _done(options.results)
    for name, kind in KINDS.items():
        key = f"{name}, seed {options.seed}, {options.frames} frames"
        if (options.kind and options.kind not in name) or key in done:
            continue
        if isinstance(kind, RealKind) and not kind.path.is_file():
            print(f"{name} is left out: {kind.file} is not in the folder BPNP_SHARED_DATA names")
            continue
        done[key] = {"kind": name, "key": key, **result(kind, options.frames, options.seed)}
        with options.results.open("a") as file:
            file.write(json.dumps(done[key]) + "\n")
        print(table([done[key]]).splitlines()[-1], flush=True)
    if options.docs:
        _write(list(done.values()), options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments.zoo", description=__doc__)
    parser.add_argument("--kind", default="", help="only those with this in their name")
    parser.add_argument("--frames", type=int, default=50, help="first fixes of each kind (50)")
    parser.add_argument("--seed", type=int, default=1, help="of maps, poses and noise (1)")
    parser.add_argument(
        "--results", type=Path, default=Path("zoo.jsonl"), help="a line a kind; goes on from there"
    )
    parser.add_argument("--docs", action="store_true", help="write docs/zoo.md and its figure")
    return parser.parse_args()


def _done(path: Path) -> dict[str, dict[str, object]]:
    lines = path.read_text().splitlines() if path.is_file() else []
    return {line["key"]: line for line in map(json.loads, lines)}


def _write(results: list[dict[str, object]], options: argparse.Namespace) -> None:
    """The page between its two marks, and the figure."""
    chosen = f"seed {options.seed}, {options.frames} frames"
    results = [line for line in results if str(line["key"]).endswith(chosen)]
    page = DOCS / "zoo.md"
    before, _, rest = page.read_text().partition("<!-- table -->\n")
    _, _, after = rest.partition("<!-- end of table -->\n")
    marked = f"<!-- table -->\nMeasured: {chosen} a kind.\n\n{table(results)}\n"
    page.write_text(f"{before}{marked}<!-- end of table -->\n{after}")
    figure(results, DOCS / "images" / "zoo.png")


if __name__ == "__main__":
    main()
