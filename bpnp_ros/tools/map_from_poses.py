"""Make a landmark map out of a recording whose poses are known: no survey is needed.

BAG is a rosbag2 with images of lights (or keypoints), CameraInfo, and where the camera was: TF, a
topic of poses (SLAM, motion capture, another localiser) or a TUM file. Lights are followed,
triangulated, and written with how often they were seen and how certainly they are placed. MAP is a
.csv or .ply file that the localization node takes as map_file; a page to look at lies beside it.
Exits with 0 when there is a map, 2 when there is none, 130 after Ctrl-C, which maps what was read.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bpnp_ros.command import loading, run_command

with loading():
    from rich.console import Console

    from bpnp_ros.mapping.run import run


def main() -> None:
    console = Console(highlight=False)
    run_command(lambda: run(parse_arguments(), console))


def parse_arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bpnp_map_from_poses",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = parser.add_argument
    add("bag", type=Path, metavar="BAG")
    add("--out", type=Path, default=Path("landmarks.csv"), metavar="MAP", help="(landmarks.csv)")
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of keypoint_detector, such as light_threshold=200",
    )
    topics = parser.add_argument_group("topics, guessed where not given").add_argument
    topics("--image", default="", metavar="TOPIC")
    topics("--keypoints", default="", metavar="TOPIC", help="take these instead of images")
    topics("--camera-info", default="", metavar="TOPIC")
    poses = parser.add_argument_group("poses").add_argument
    poses("--poses", default="", help="topic, TUM file, or tf (a topic with poses, else tf)")
    poses("--poses-child", default="", metavar="FRAME", help="what they describe (the camera)")
    poses("--map-frame", default="", metavar="FRAME", help="frame of the map (that of the poses)")
    poses("--time-offset", type=float, default=0.0, metavar="S", help="their clock - images' (0)")
    poses("--longest-gap", type=float, default=0.5, metavar="S", help="to interpolate over (0.5)")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
