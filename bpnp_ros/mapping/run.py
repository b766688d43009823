"""The making of a landmark map as a command runs it."""

from __future__ import annotations

import argparse
from dataclasses import replace

from rich.console import Console

from bpnp_ros.bags.reading import Bag
from bpnp_ros.command import INTERRUPTED
from bpnp_ros.errors import BagError
from bpnp_ros.mapping.landmarks import find_landmarks
from bpnp_ros.mapping.reading import Reader
from bpnp_ros.mapping.report import lines, write_results
from bpnp_ros.point_map.writing import check_suffix
from bpnp_ros.replay.configuration import configuration, read_parameters
from bpnp_ros.replay.ground_truth import NONE, GroundTruth, TruthChoice, choose_truth, read_truth
from bpnp_ros.replay.run import progress_bar
from bpnp_ros.replay.topics import Topics, choose_topics

MAP_FRAME = "map"
LIGHTS = {"detector": "lights"}


def run(arguments: argparse.Namespace, console: Console) -> int:
    """The exit code. After Ctrl-C the map is that of what had been read. Raises BpnpError."""
    check_suffix(arguments.out)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    chosen = configuration({**LIGHTS, **read_parameters(None, arguments.set)})
    with Bag(arguments.bag) as bag:
        wanted = Topics(arguments.keypoints, arguments.image, arguments.camera_info)
        topics = choose_topics(bag, wanted, map_from_bag=False)
        poses = known_poses(bag, topics, arguments)
        console.print(
            f"lights of {topics.source}; poses of {poses.choice.source}: '{poses.child}' in "
            f"'{poses.map_frame}'",
            markup=False,
        )
        reader = Reader(bag, topics, poses, chosen.detector)
        interrupted = read(reader, bag.topics[topics.source].count, console)
        for problem in bag.problems:
            console.print(f"damaged: {problem}", style="yellow", markup=False)
    tell_of_losses(reader, poses, console)
    sightings = reader.sightings
    found = find_landmarks(sightings)
    for line in lines(sightings, found):
        console.print(line, markup=False)
    for path in write_results(arguments.out, sightings, found):
        console.print(str(path), style="dim", markup=False)
    return INTERRUPTED if interrupted else 0


def known_poses(bag: Bag, topics: Topics, arguments: argparse.Namespace) -> GroundTruth:
    """Raises BagError where there are none."""
    choice = TruthChoice(
        arguments.poses, arguments.poses_child, arguments.time_offset, arguments.longest_gap
    )
    choice = replace(choice, source=choose_truth(bag, choice.source))
    first = bag.first(topics.source)
    if first is None:
        raise BagError(f"no message of {topics.source} can be read.")
    stated = bag.first(choice.source) if choice.source in bag.topics else None
    header = getattr(stated, "header", None)
    map_frame = arguments.map_frame or (header.frame_id if header else MAP_FRAME)
    poses = read_truth(bag, choice, map_frame, first.header.frame_id)
    if poses is None or choice.source == NONE:
        raise BagError(
            "the bag has neither TF nor a topic of poses, from which alone a map can be made; "
            "give a TUM file with --poses."
        )
    return poses


def read(reader: Reader, count: int, console: Console) -> bool:
    """Whether it was interrupted."""
    progress = progress_bar(console)
    bar = progress.add_task("looking for lights", total=count)
    try:
        with progress:
            reader.read(lambda: progress.update(bar, advance=1))
    except KeyboardInterrupt:
        console.print("interrupted; the map is that of what has been read", style="yellow")
        return True
    return False


def tell_of_losses(reader: Reader, poses: GroundTruth, console: Console) -> None:
    """Which frames are not used, and why."""
    for count, reason in (
        (reader.without_pose, f"have no pose: {poses.refusal}"),
        (reader.unreadable, f"could not be read: {reader.problem}"),
    ):
        if count:
            console.print(f"{count} messages {reason}", style="yellow", markup=False)
