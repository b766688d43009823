"""A localization node for half an hour at 30 Hz, over DDS, against the truth.

python -m experiments.soak [--minutes 30] [--rate 30] [--seed 0]. Every minute the camera is carried
off to another walk, and for five seconds of it it is dark. Ctrl-C gives the report so far.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from bpnp_ros.demo.stream import NOISE
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.live.node_process import NodeProcess, isolate, module_command
from bpnp_ros.live.readiness import wait_until_ready
from bpnp_ros.nodes.runner import ros_needed
from bpnp_ros.simulation.camera_path import make_camera_path
from bpnp_ros.simulation.observation import observe
from bpnp_ros.simulation.world import World, make_world
from experiments.soak.figures import Array, Soak, resident_megabytes

with ros_needed():
    from bpnp_ros.demo.link import DemoLink

CAMERA = Camera(np.array([[370.0, 0, 320], [0, 370, 240], [0, 0, 1]]), 640, 480)
STRETCH, DARK = 60.0, 5.0  # seconds of one walk, and of darkness at its end
LOOKED_AT = 1.0  # seconds between two looks at the memory
PATIENCE = 120.0  # seconds until the node is ready
LAST_ANSWERS = 2.0


def frames(
    world: World, minutes: float, rate: float, seed: int, seconds: float = STRETCH
) -> Iterator[tuple[Array, NDArray[np.float32]]]:
    """Poses (4, 4) and keypoints (M, 3), one frame after the other; another walk every so many
    seconds."""
    rng = np.random.default_rng(seed)
    left, stretch = round(60 * minutes * rate), round(seconds * rate)
    while left > 0:
        path = make_camera_path(world.plan, int(rng.integers(1 << 30)), seconds, rate, 0)
        for number, T in enumerate(path.T_map_camera[:left]):
            is_dark = number >= stretch - DARK * rate
            pixels = observe(world, T, CAMERA, NOISE, rng).pixels[: 0 if is_dark else None]
            yield T, np.column_stack([pixels, np.ones(len(pixels))]).astype(np.float32)
        left -= len(path.T_map_camera[:left])


def run(soak: Soak, options: argparse.Namespace, log: Path, console: Console) -> None:
    """Until the time is over, or Ctrl-C."""
    world, link = make_world(options.seed, rooms_per_side=1), DemoLink(CAMERA)
    soak.poses = link.poses
    link.send_map(world.landmarks)
    try:
        with NodeProcess(module_command({"tf_mode": "camera"}), log) as node:
            wait_until_ready(
                link, node, lambda: link.send_camera_info(time.time_ns()), console.print, PATIENCE
            )
            _send(soak, options, world, link, node, console)
            link.spin(LAST_ANSWERS)
    finally:
        soak.answered = len(soak.truth.keys() & link.reports.keys())
        link.close()


def _send(
    soak: Soak,
    options: argparse.Namespace,
    world: World,
    link: DemoLink,
    node: NodeProcess,
    console: Console,
) -> None:
    begin = time.monotonic()
    with Progress(console=console) as progress:
        bar = progress.add_task("soak", total=round(60 * options.minutes * options.rate))
        shown = frames(world, options.minutes, options.rate, options.seed)
        for number, (T, keypoints) in enumerate(shown):
            due = begin + number / options.rate
            soak.behind = max(soak.behind, time.monotonic() - due)
            link.spin(max(due - time.monotonic(), 0.001))
            stamp, now = time.time_ns(), time.monotonic()
            soak.truth[stamp], soak.sent_at[stamp] = T, now
            link.send_camera_info(stamp)
            link.send_keypoints(stamp, keypoints)
            if not soak.memory or now - begin > soak.memory[-1][0] + LOOKED_AT:
                node.check()
                soak.memory.append((now - begin, resident_megabytes(node.pid)))
                said = f"{len(link.poses)} poses, {soak.memory[-1][1]:.0f} MB"
                progress.update(bar, completed=number, description=said)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=30.0, help="frames a second")
    parser.add_argument("--seed", type=int, default=0)
    options, soak, console = parser.parse_args(), Soak(), Console()
    isolate(None)
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
        run(soak, options, Path(folder) / "node.log", console)
    for line in soak.lines():
        console.print(line, markup=False)


if __name__ == "__main__":
    main()
