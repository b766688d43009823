"""Watch a camera find itself, live over ROS 2: the demo, and its negative controls.

A simulated camera walks through a building and is kidnapped twice. Its keypoints, without any
identity, go to the localization node in another process, which gets nothing else but the map and
the calibration. Exits with 0 when every criterion is met, 1 when not, 2 when it could not run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bpnp_ros.command import loading, run_command

with loading():
    import torch
    from rich.console import Console

    from bpnp_ros.demo.run import length, run
    from bpnp_ros.demo.stream import Control

SHORTEST, LONGEST = 2.0, 600.0  # seconds
SLOWEST, FASTEST = 5.0, 30.0  # Hz
LOG_WIDTH = 110


def main() -> None:
    torch.set_num_threads(1)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = LOG_WIDTH
    run_command(lambda: run(parse_arguments(), console))


def parse_arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bpnp_demo", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--path-seed", type=int, default=0, metavar="N", help="which walk (0)")
    add("--duration", type=float, metavar="S", help="seconds of it (60; 20 short; 15 controls)")
    add("--rate", type=float, default=10.0, metavar="HZ", help="messages a second (10)")
    add("--short", action="store_true", help="20 seconds and one kidnap")
    add("--out", type=Path, default=Path("out/demo"), metavar="DIR", help="results (out/demo)")
    add("--weights", type=Path, metavar="FILE", help="bundle for the map (the package's own)")
    add("--no-network", action="store_true", help="without the network's proposals")
    add("--no-likelihood-search", action="store_true", help="without the likelihood search")
    add(
        "--control",
        choices=[control.value for control in Control],
        help="input in which no pose can be found; passes when none is published",
    )
    add("--rerun", type=Path, metavar="FILE.rrd", help="frame by frame, for the rerun viewer")
    add("--write-map", type=Path, metavar="FILE", help="write the map as .ply, and do no more")
    add("--timeout", type=float, default=180.0, metavar="S", help="for the node to start (180)")
    add("--domain-id", type=int, metavar="N", help="ROS_DOMAIN_ID (one of its own)")
    arguments = parser.parse_args(words)
    arguments.control = Control(arguments.control) if arguments.control else None
    seconds, _ = length(arguments)
    if not (SHORTEST <= seconds <= LONGEST and SLOWEST <= arguments.rate <= FASTEST):
        parser.error(
            f"--duration must be from {SHORTEST:g} to {LONGEST:g} s, "
            f"--rate from {SLOWEST:g} to {FASTEST:g} Hz"
        )
    return arguments


if __name__ == "__main__":
    main()
