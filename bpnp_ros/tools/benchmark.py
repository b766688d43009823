"""Compare methods of blind PnP, side by side, on scenes from structure from motion.

A scene is an .npz file or a COLMAP model in the folder. What was answered is kept in DIR after
every method of every scene: the same command goes on where it was interrupted, and asks only who
has not answered yet (new weights, say). After a change of code give another DIR.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bpnp_ros.command import loading, run_command

with loading():
    import torch
    from rich.console import Console

    from bpnp_ros.benchmark.run import QUICK_SCENES, run
    from bpnp_ros.benchmark.why.split import PHOTOGRAPHS, PROBLEMS, run_failures
    from bpnp_ros.weights.bpnpnet_file import any_map_weights

WEIGHTS = "weights of the paper's network (those that come with bpnp_ros)"


def main() -> None:
    torch.set_num_threads(1)
    console, arguments = Console(highlight=False, soft_wrap=True), parse_arguments()
    kept = f"interrupted; {arguments.out} keeps what was done, and the same command goes on"
    wanted = run_failures if arguments.failures else run
    run_command(lambda: wanted(arguments, console), interrupted=kept)


def parse_arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bpnp_benchmark", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--scenes", type=Path, required=True, metavar="FOLDER", help=".npz scenes, COLMAP models")
    add("--out", type=Path, default=Path("out/benchmark"), metavar="DIR", help="(out/benchmark)")
    add("--docs", type=Path, metavar="FILE", help="write the page there as well")
    add("--bpnpnet", type=Path, metavar="FILE", default=any_map_weights(), help=WEIGHTS)
    add("--photographs", type=Path, metavar="DIR", help="a folder a scene, for colours, sizes")
    add("--queries", type=int, default=2, metavar="N", help="images asked for a scene (2)")
    add("--seed", type=int, default=0, metavar="N", help="of the sets (0)")
    add("--quick", action="store_true", help=f"one image of {QUICK_SCENES} scenes: two minutes")
    failures = parser.add_argument_group("why frames are not found").add_argument
    failures(
        "--failures",
        nargs="?",
        choices=(PHOTOGRAPHS, PROBLEMS),
        const=PHOTOGRAPHS,
        help="instead: of photographs that maps do not hold, or of the problems",
    )
    failures("--most", type=int, default=10, metavar="N", help="photographs a scene (10)")
    arguments = parser.parse_args(words)
    if not (1 <= arguments.queries <= 1000 and arguments.seed >= 0):
        parser.error("--queries must be from 1 to 1000, --seed 0 or more")
    if arguments.most < 1:
        parser.error("--most must be 1 or more")
    return arguments


if __name__ == "__main__":
    main()
