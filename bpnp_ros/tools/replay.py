"""Play a recording through the localiser, every message of it, and say how well it did.

BAG is a rosbag2 (folder or file; sqlite3 or mcap, compressed or not); no ROS is needed. The results
in DIR are the same, byte for byte, for the same bag and settings on a CPU; what took how long
stands in files of its own. Exits with 0 when all was played, 2 when it could not, 130 after Ctrl-C,
which keeps what there is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bpnp_ros.command import loading, run_command

with loading():
    from rich.console import Console

    from bpnp_ros.replay.run import run


def main() -> None:
    console = Console(highlight=False)
    run_command(lambda: run(parse_arguments(), console))


def parse_arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bpnp_replay", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("bag", type=Path, metavar="BAG")
    add("--out", type=Path, default=Path("out/replay"), metavar="DIR", help="(out/replay)")
    add("--overwrite", action="store_true", help="replace the results of an earlier run in DIR")
    add(
        "--map",
        default="",
        metavar="FILE",
        help="as map_file of the node (a topic, or the weights')",
    )
    add("--weights", default="", metavar="FILE", help="bundle trained for the map (none)")
    add("--params", type=Path, metavar="FILE", help="the node's parameter file")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="one of its parameters")
    add("--rerun", type=Path, metavar="FILE.rrd", help="frame by frame, for the rerun viewer")
    live = parser.add_argument_group("live, once more, through DDS").add_argument
    live("--live", action="store_true", help="play into a localization node and compare")
    live("--rate", type=float, default=1.0, metavar="X", help="so many times as fast (1)")
    live("--timeout", type=float, default=300.0, metavar="S", help="for the node to start (300)")
    live("--domain-id", type=int, metavar="N", help="ROS_DOMAIN_ID (one of its own)")
    topics = parser.add_argument_group("topics, guessed where not given").add_argument
    topics("--keypoints", default="", metavar="TOPIC")
    topics("--image", default="", metavar="TOPIC", help="look for keypoints in these images")
    topics("--camera-info", default="", metavar="TOPIC")
    topics("--map-topic", default="", metavar="TOPIC")
    truth = parser.add_argument_group("truth").add_argument
    truth("--truth", default="", help="topic, TUM file, tf, or none (a topic with poses, else tf)")
    truth("--truth-child", default="", metavar="FRAME", help="what its poses describe (the camera)")
    truth("--time-offset", type=float, default=0.0, metavar="S", help="truth's clock - images' (0)")
    truth("--longest-gap", type=float, default=0.5, metavar="S", help="to interpolate over (0.5)")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
