"""Watch a camera find itself, live over ROS 2: the demo, and its negative controls.

building: a camera walks through six rooms and is kidnapped twice. Its keypoints, without any
identity, go to the localization node in another process, which gets nothing else but the map and
the calibration. lamps: a robot drives about a hall, its camera looks up at lamps that all look
alike; the images go to a keypoint detector, whose lights go to the node.
Exits with 0 when every criterion is met, 1 when not, 2 when it could not run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bpnp_ros.command import loading, run_command

with loading():
    import torch
    from rich.console import Console

    from bpnp_ros.demo.run import length, run
    from bpnp_ros.demo.stream import WORLD_SEED, Control
    from bpnp_ros.demo.worlds import BUILDING, WORLDS

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
    add("--world", choices=list(WORLDS), default=BUILDING.name, help="which world (building)")
    add("--seed", type=int, default=WORLD_SEED, metavar="N", help="of the world (0)")
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
    of_building = (arguments.weights, arguments.no_network, arguments.no_likelihood_search)
    random = arguments.control is Control.RANDOM_WEIGHTS
    if arguments.world != BUILDING.name and (any(of_building) or random):
        parser.error("weights, network and likelihood search are those of --world building")
    if random and not arguments.weights and arguments.seed != WORLD_SEED:
        parser.error("--control random-weights needs weights: --seed 0, or --weights FILE")
    if min(arguments.seed, arguments.path_seed) < 0:
        parser.error("--seed and --path-seed must be 0 or more")
    return arguments


if __name__ == "__main__":
    main()
