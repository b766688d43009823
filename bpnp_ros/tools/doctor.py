"""Say what keeps the localiser from working, and what to change.

Without a bag it listens to the ROS graph: the node, its inputs with publishers, QoS, rates and
ages, frames and TF, map and weights, and what the last keypoints were rejected for. With BAG it
explains one message: the poses that were compared, why none was taken, and a picture. Exits with 0
when all is well, 1 when something has to be mended, 2 when it could not look.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bpnp_ros.command import loading, run_command

with loading():
    from rich.console import Console

    from bpnp_ros.doctor.run import run


def main() -> None:
    console = Console(highlight=False)
    run_command(lambda: run(parse_arguments(), console))


def parse_arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bpnp_doctor", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add(
        "bag", type=Path, nargs="?", metavar="BAG", help="explain a message of it (none: look live)"
    )
    add("--seconds", type=float, default=5.0, metavar="S", help="to listen for (5)")
    add("--node", default="", metavar="NAME", help="full name, where several run (the first heard)")
    topics = parser.add_argument_group("topics, the node's own where not given").add_argument
    topics("--keypoints", default="", metavar="TOPIC")
    topics("--camera-info", default="", metavar="TOPIC")
    topics("--map-topic", default="", metavar="TOPIC")
    frame = parser.add_argument_group("with a bag").add_argument
    frame("--message", type=int, default=0, metavar="N", help="keypoint message, from 0 (0)")
    frame("--map", default="", metavar="FILE", help="as map_file of the node")
    frame("--weights", default="", metavar="FILE", help="bundle trained for the map (none)")
    frame("--params", type=Path, metavar="FILE", help="the node's parameter file")
    frame("--set", action="append", default=[], metavar="NAME=VALUE", help="one of its parameters")
    frame("--out", type=Path, default=Path("doctor.png"), metavar="FILE", help="(doctor.png)")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
