"""Watch a camera find itself, live over ROS 2: the demo, and its negative controls.

A simulated camera walks through a building and is kidnapped twice. Its keypoints, without any
identity, go to the localization node in another process, which gets nothing else but the map and
the calibration. Exits with 0 when every criterion is met, 1 when not, 2 when it could not run.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich.console import Console

from bpnp_ros.errors import BpnpError
from bpnp_ros.evaluation.demo_score import score_control, score_demo
from bpnp_ros.nodes.runner import ros_needed
from bpnp_ros.tools.command import run_command
from bpnp_ros.tools.demo_report import write_report
from bpnp_ros.tools.demo_session import Session
from bpnp_ros.tools.demo_stream import CAMERA, NOISE, WORLD_SEED, Control, DemoStream, make_stream
from bpnp_ros.tools.demo_table import Display, summary_table
from bpnp_ros.tools.demo_weights import demo_bundle, write_random_bundle
from bpnp_ros.tools.node_process import NodeProcess, Parameters, isolate, node_command

if TYPE_CHECKING:
    from bpnp_ros.nodes.demo_link import DemoLink

WHOLE, SHORT, CONTROL = (60.0, 2), (20.0, 1), (15.0, 0)  # seconds, kidnaps
SHORTEST, LONGEST = 2.0, 600.0  # seconds
SLOWEST, FASTEST = 5.0, 30.0  # Hz
LOG_WIDTH = 110


def main() -> None:
    torch.set_num_threads(1)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = LOG_WIDTH
    run_command(lambda: run(parse_arguments(), console), console)


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


def length(arguments: argparse.Namespace) -> tuple[float, int]:
    """Seconds of the stream, kidnaps in it."""
    seconds, kidnaps = CONTROL if arguments.control else SHORT if arguments.short else WHOLE
    return seconds if arguments.duration is None else arguments.duration, kidnaps


def run(arguments: argparse.Namespace, console: Console) -> int:
    """The whole demo; its exit code. Raises BpnpError when it cannot run."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    isolate(arguments.domain_id)
    link = open_link()
    try:
        command = node_command(node_parameters(arguments))
        with NodeProcess(command, arguments.out / "node.log") as node:
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


def open_link() -> DemoLink:
    """Raises BpnpError where there is no ROS."""
    with ros_needed():
        from bpnp_ros.nodes.demo_link import DemoLink
    return DemoLink(CAMERA)


def node_parameters(arguments: argparse.Namespace) -> Parameters:
    """All that the node is told, besides what comes over topics."""
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


def demo_stream(arguments: argparse.Namespace) -> DemoStream:
    seconds, kidnaps = length(arguments)
    return make_stream(arguments.path_seed, seconds, arguments.rate, kidnaps, arguments.control)


def introduce(console: Console, stream: DemoStream, arguments: argparse.Namespace) -> None:
    keypoints = sum(map(len, stream.keypoints)) / len(stream)
    control = f", control {arguments.control.value}" if arguments.control else ""
    console.print(
        f"world {WORLD_SEED}, path {arguments.path_seed}{control}: "
        f"{len(stream.map_points)} landmarks, {len(stream)} messages of {keypoints:.0f} keypoints "
        f"at {arguments.rate:g} Hz\n{NOISE.pixel_noise:g} px noise, {NOISE.missed:.0%} missed, "
        f"{NOISE.clutter:.0%} clutter, shuffled; ROS_DOMAIN_ID={os.environ['ROS_DOMAIN_ID']}\n"
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
    score = (score_control if arguments.control else score_demo)(record)
    about = {"world_seed": WORLD_SEED, "path_seed": arguments.path_seed, "rate": arguments.rate}
    files = write_report(arguments.out, stream.world, record, score, about)
    console.print(summary_table(record, score, over=True))
    console.print("\n" + "\n".join(str(file) for file in files), style="dim", markup=False)
    return score.passed


if __name__ == "__main__":
    main()
