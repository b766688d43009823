"""A run of the demo, from the arguments to the exit code."""

from __future__ import annotations

import argparse
import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from bpnp_ros.backends.rerun import require as require_rerun
from bpnp_ros.demo.frame_log import write_frame_log
from bpnp_ros.demo.report import write_report
from bpnp_ros.demo.score import score_control, score_demo
from bpnp_ros.demo.session import Session
from bpnp_ros.demo.stream import WORLD_SEED, Control, DemoStream, make_stream
from bpnp_ros.demo.table import Display, summary_table
from bpnp_ros.demo.weights import demo_bundle, write_random_bundle
from bpnp_ros.demo.worlds import BUILDING, WORLDS, DemoWorld
from bpnp_ros.errors import BpnpError
from bpnp_ros.live.node_process import (
    NodeProcess,
    Parameters,
    isolate,
    module_command,
    node_command,
)
from bpnp_ros.nodes.runner import ros_needed
from bpnp_ros.simulation.ply import write_ply

if TYPE_CHECKING:
    from bpnp_ros.demo.link import DemoLink

WHOLE, SHORT, CONTROL = (60.0, 2), (20.0, 1), (15.0, 0)  # seconds, kidnaps


def length(arguments: argparse.Namespace) -> tuple[float, int]:
    """Seconds of the stream, kidnaps in it."""
    seconds, kidnaps = CONTROL if arguments.control else SHORT if arguments.short else WHOLE
    return seconds if arguments.duration is None else arguments.duration, kidnaps


def run(arguments: argparse.Namespace, console: Console) -> int:
    """The whole demo; its exit code. Raises BpnpError when it cannot run."""
    if arguments.rerun:
        require_rerun()
    if arguments.write_map:
        write_ply(arguments.write_map, world_of(arguments).make(arguments.seed).landmarks)
        console.print(f"{arguments.write_map}: the map of the demo", markup=False)
        return 0
    arguments.out.mkdir(parents=True, exist_ok=True)
    isolate(arguments.domain_id)
    link = open_link(world_of(arguments))
    try:
        command = node_command(node_parameters(arguments))
        with NodeProcess(command, arguments.out / "node.log") as node, detector(arguments):
            stream = demo_stream(arguments)
            introduce(console, stream, arguments)
            session = Session(stream, link, node)
            cut_short = play(session, console, arguments.timeout)
    finally:
        link.close()
    passed = session.started and conclude(session, stream, arguments, console)
    if cut_short is not None:
        raise cut_short
    console.print("passed" if passed else "failed", style="bold green" if passed else "bold red")
    return int(not passed)


def world_of(arguments: argparse.Namespace) -> DemoWorld:
    return WORLDS[arguments.world]


def detector(arguments: argparse.Namespace) -> AbstractContextManager[object]:
    """A keypoint detector that looks for lights, where the world sends images."""
    if not world_of(arguments).sends_images:
        return nullcontext()
    command = module_command({"detector": "lights"}, "keypoint_detector")
    return NodeProcess(command, arguments.out / "detector.log")


def open_link(demo: DemoWorld) -> DemoLink:
    """Raises BpnpError where there is no ROS."""
    with ros_needed():
        from bpnp_ros.demo.link import DemoLink
    return DemoLink(demo.camera)


def node_parameters(arguments: argparse.Namespace) -> Parameters:
    """All that the node is told, besides what comes over topics."""
    if world_of(arguments) is not BUILDING:
        return {"tf_mode": "camera", **world_of(arguments).told}
    if not (arguments.weights or has_weights(arguments)):
        return {"tf_mode": "camera", "use_likelihood_search": not arguments.no_likelihood_search}
    weights = arguments.weights or demo_bundle()
    random = arguments.control is Control.RANDOM_WEIGHTS
    if random:
        weights = write_random_bundle(weights, arguments.out / "random_weights.safetensors")
    return {
        "weights": str(weights.resolve()),
        "tf_mode": "camera",
        "use_network": not arguments.no_network,
        "use_likelihood_search": not (arguments.no_likelihood_search or random),
    }


def has_weights(arguments: argparse.Namespace) -> bool:
    """Whether the package has weights for the world: for the building of seed 0."""
    return world_of(arguments) is BUILDING and arguments.seed == WORLD_SEED


def demo_stream(arguments: argparse.Namespace) -> DemoStream:
    seconds, kidnaps = length(arguments)
    demo = world_of(arguments)
    if demo is BUILDING and not (arguments.weights or has_weights(arguments)):
        demo = replace(demo, proposer="")
    stream = (arguments.path_seed, seconds, arguments.rate, kidnaps, arguments.control)
    return make_stream(*stream, demo, arguments.seed)


def introduce(console: Console, stream: DemoStream, arguments: argparse.Namespace) -> None:
    keypoints = sum(map(len, stream.keypoints)) / len(stream)
    control = f", control {arguments.control.value}" if arguments.control else ""
    noise, what = world_of(arguments).noise, "lights in an image" if stream.images else "keypoints"
    console.print(
        f"{arguments.world} {arguments.seed}, path {arguments.path_seed}{control}: "
        f"{len(stream.map_points)} landmarks, {len(stream)} messages of {keypoints:.0f} {what} "
        f"at {arguments.rate:g} Hz\n{noise.pixel_noise:g} px noise, {noise.missed:.0%} missed, "
        f"{noise.clutter:.0%} clutter, shuffled; ROS_DOMAIN_ID={os.environ['ROS_DOMAIN_ID']}\n"
    )


def play(
    session: Session, console: Console, timeout: float
) -> BpnpError | KeyboardInterrupt | None:
    """Run the session; what cut it short, if anything did."""
    try:
        with Display(console) as display:
            session.wait_until_ready(timeout, display)
            session.play(display)
    except (BpnpError, KeyboardInterrupt) as reason:
        return reason
    return None


def conclude(
    session: Session, stream: DemoStream, arguments: argparse.Namespace, console: Console
) -> bool:
    """Score what there is, write it down and show it; whether every criterion is met."""
    record = session.record()
    score = score_control(record) if arguments.control else score_demo(record, stream.proposer)
    names = ("world", "seed", "path_seed", "rate")
    about = {name: getattr(arguments, name) for name in names}
    files = write_report(arguments.out, stream.world, record, score, about)
    console.print(summary_table(record, score, over=True))
    console.print("\n" + "\n".join(str(file) for file in files), style="dim", markup=False)
    if arguments.rerun:
        console.print("once more, to look at: ", end="")
        write_frame_log(arguments.rerun, stream, record, node_parameters(arguments))
        console.print(str(arguments.rerun), style="dim", markup=False)
    return score.passed
