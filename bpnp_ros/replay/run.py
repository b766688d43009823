"""A replay as a command runs it: prepare, play, conclude, and once more live."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bpnp_ros.backends.rerun import require as require_rerun
from bpnp_ros.bags.reading import Bag
from bpnp_ros.claimed_folder import claimed_folder
from bpnp_ros.command import INTERRUPTED
from bpnp_ros.figures.frame_log import FrameLog
from bpnp_ros.live.node_process import isolate
from bpnp_ros.localizer.types import Fix
from bpnp_ros.replay.configuration import configuration, read_parameters
from bpnp_ros.replay.ground_truth import TruthChoice
from bpnp_ros.replay.live.play import live_replay
from bpnp_ros.replay.live.score import live_headlines, live_summary
from bpnp_ros.replay.page.report import headlines, write_report
from bpnp_ros.replay.player import Played
from bpnp_ros.replay.results import (
    LATENCY,
    LIVE,
    METRICS,
    PAGE,
    Results,
    clear_folder,
    write_json,
)
from bpnp_ros.replay.score import latency_summary
from bpnp_ros.replay.session import Replay
from bpnp_ros.replay.topics import Topics


def run(arguments: argparse.Namespace, console: Console) -> int:
    """The whole replay; its exit code. Raises BpnpError when it cannot run."""
    if arguments.rerun:
        require_rerun()
    with claimed_folder(arguments.out, arguments.overwrite), Bag(arguments.bag) as bag:
        replay = prepare(bag, arguments)
        introduce(replay, console)
        clear_folder(arguments.out)  # not before the inputs have proved good
        with Results(arguments.out) as results, frame_log(replay, arguments.rerun) as log:
            interrupted = play(replay, results, log, console)
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
    settings = replay.configuration.settings
    where = topics.map or settings.map_file or settings.weights
    truth = replay.truth
    lines = [
        f"{replay.messages} messages of {topics.source}{camera}",
        f"map {where}: {active.points} points, frame '{active.frame}'",
        f"assumed: {replay.player.assumed}",
        *(f"note: {note}" for note in active.localizer.notes),
        f"truth {truth.choice.source}: '{truth.child}' in '{truth.map_frame}', time offset "
        f"{truth.choice.offset:g} s"
        if truth
        else "no truth",
    ]
    console.print("\n".join(lines), markup=False)


@contextmanager
def frame_log(replay: Replay, path: Path | None) -> Iterator[Callable[[Played], None]]:
    """What to do with every message that was played; nothing without a path."""
    if path is None:
        yield lambda played: None
        return
    with FrameLog.open(path) as log:

        def add(played: Played) -> None:
            truth = replay.true_poses[-1]
            log.add(
                played.stamp_ns,
                (replay.player.active or replay.active).localizer.map_model,
                replay.player.cameras.camera_of(played.frame_id),
                played.keypoints,
                played.answer,
                {"truth": truth if np.isfinite(truth).all() else None},
            )

        yield add


def play(replay: Replay, results: Results, log: Callable[[Played], None], console: Console) -> bool:
    """Whether it was interrupted."""
    progress = progress_bar(console)
    bar = progress.add_task("", total=replay.messages)

    def advance(played: Played) -> None:
        log(played)
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
