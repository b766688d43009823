"""Play a recording through the localiser, every message of it, and say how well it did.

BAG is a rosbag2 (folder or file; sqlite3 or mcap, compressed or not); no ROS is needed. The results
in DIR are the same, byte for byte, for the same bag and settings on a CPU; what took how long
stands in files of its own. Exits with 0 when all was played, 2 when it could not, 130 after Ctrl-C,
which keeps what there is.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bpnp_ros.bags.reading import Bag
from bpnp_ros.evaluation.live_score import live_headlines, live_summary
from bpnp_ros.evaluation.replay_score import latency_summary
from bpnp_ros.localizer.types import Fix
from bpnp_ros.replay.configuration import configuration, read_parameters
from bpnp_ros.replay.ground_truth import TruthChoice
from bpnp_ros.replay.player import Played
from bpnp_ros.replay.report import headlines, write_report
from bpnp_ros.replay.results import LATENCY, LIVE, METRICS, PAGE, Results, claim_folder, write_json
from bpnp_ros.replay.session import Replay
from bpnp_ros.replay.topics import Topics
from bpnp_ros.tools.command import INTERRUPTED, run_command
from bpnp_ros.tools.live_replay import live_replay
from bpnp_ros.tools.node_process import isolate


def main() -> None:
    console = Console(highlight=False)
    run_command(lambda: run(parse_arguments(), console), console)


def parse_arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bpnp_replay", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("bag", type=Path, metavar="BAG")
    add("--out", type=Path, default=Path("out/replay"), metavar="DIR", help="(out/replay)")
    add("--overwrite", action="store_true", help="replace the results of an earlier run in DIR")
    add("--map", default="", metavar="FILE", help="as map_file of the node (a topic of the bag)")
    add("--weights", default="", metavar="FILE", help="bundle trained for the map (none)")
    add("--params", type=Path, metavar="FILE", help="the node's parameter file")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="one of its parameters")
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


def run(arguments: argparse.Namespace, console: Console) -> int:
    """The whole replay; its exit code. Raises BpnpError when it cannot run."""
    claim_folder(arguments.out, arguments.overwrite)
    with Bag(arguments.bag) as bag:
        replay = prepare(bag, arguments)
        introduce(replay, console)
        with Results(arguments.out) as results:
            interrupted = play(replay, results, console)
        conclude(replay, arguments.out, console)
        if arguments.live and not interrupted:
            interrupted = play_live(replay, arguments, console)
    return INTERRUPTED if interrupted else 0


def prepare(bag: Bag, arguments: argparse.Namespace) -> Replay:
    wanted = Topics(
        arguments.keypoints, arguments.image, arguments.camera_info, arguments.map_topic
    )
    truth = TruthChoice(
        arguments.truth, arguments.truth_child, arguments.time_offset, arguments.longest_gap
    )
    return Replay.of(bag, wanted, configuration(given_parameters(arguments)), truth)


def given_parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    """The nodes' parameters, from the file, the words and the shortcuts."""
    given = read_parameters(arguments.params, arguments.set)
    shortcuts = {"map_file": arguments.map, "weights": arguments.weights}
    return given | {name: value for name, value in shortcuts.items() if value}


def introduce(replay: Replay, console: Console) -> None:
    topics, active = replay.topics, replay.active
    camera = f", {topics.camera_info}" if topics.camera_info else ""
    where = topics.map or replay.configuration.settings.map_file
    truth = replay.truth
    lines = [
        f"{replay.messages} messages of {topics.source}{camera}",
        f"map {where}: {active.points} points, frame '{active.frame}'",
        *(f"note: {note}" for note in active.localizer.notes),
        f"truth {truth.choice.source}: '{truth.child}' in '{truth.map_frame}', time offset "
        f"{truth.choice.offset:g} s"
        if truth
        else "no truth",
    ]
    console.print("\n".join(lines), markup=False)


def play(replay: Replay, results: Results, console: Console) -> bool:
    """Whether it was interrupted."""
    progress = progress_bar(console)
    bar = progress.add_task("", total=replay.messages)

    def advance(played: Played) -> None:
        fixes = sum(isinstance(p.answer, Fix) for p in replay.played)
        progress.update(bar, advance=1, description=f"{played.state}, {fixes} fixes")

    try:
        with progress:
            replay.run(results, advance)
    except KeyboardInterrupt:
        return True
    return False


def progress_bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    hidden = not console.is_terminal
    return Progress(*columns, TimeRemainingColumn(), console=console, disable=hidden)


def conclude(replay: Replay, folder: Path, console: Console) -> None:
    """Figures and pictures of all that was played."""
    metrics = replay.metrics()
    write_json(folder / METRICS, metrics)
    latency = latency_summary([played.seconds for played in replay.played])
    write_json(folder / LATENCY, latency)
    show(headlines(metrics), console)
    if "total" in latency:
        total = latency["total"]
        took = f"{total['p50_ms']:.0f} ms (p50), {total['p95_ms']:.0f} ms (p95)"
        console.print(f"a message took {took}")
    for problem in replay.bag.problems:
        console.print(f"damaged: {problem}", style="yellow", markup=False)
    write_report(replay, metrics, folder)
    console.print(str(folder / PAGE), style="dim", markup=False)


def show(lines: dict[str, str], console: Console) -> None:
    for name, value in lines.items():
        console.print(f"{name}: {value}", markup=False)


def play_live(replay: Replay, arguments: argparse.Namespace, console: Console) -> bool:
    """Whether it was interrupted. Raises BpnpError where there is no ROS, or the node fails."""
    isolate(arguments.domain_id)
    with live_replay(replay, given_parameters(arguments), arguments.out) as live:
        progress = progress_bar(console)
        bar = progress.add_task("live", total=len(replay.played))
        try:
            with progress:
                tell = partial(progress.update, bar)
                live.get_ready(arguments.timeout, lambda reason: tell(description=reason))
                tell(description="live")
                live.play(arguments.rate, lambda: progress.advance(bar))
        except KeyboardInterrupt:
            return True
        finally:
            figures = live_summary(replay.record(), live.record(), replay.active.metric)
            write_json(arguments.out / LIVE, figures)
            show(live_headlines(figures), console)
    return False


if __name__ == "__main__":
    main()
