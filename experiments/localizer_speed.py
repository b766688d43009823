"""How fast the localiser is, and how much its compiled loops bring: same frames, same run.

python -m experiments.localizer_speed [--seed 0] [--points 10000]. A camera walks through a hall
with points on its walls, so many of which are often detected that a frame has the keypoints wanted;
the others hardly ever are. Compiled loops and tensors take turns on one thread; a time is a median
of processor times.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from bpnp_ros import Fix, LocalizerConfig
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.keypoints.keypoints import Keypoints, keypoints_from_pixels
from bpnp_ros.localizer.compiled import inputs
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace, camera_orientation, pack_seen
from bpnp_ros.point_map.point_map import PointMap

CAMERA = Camera(np.array([[400.0, 0, 320], [0, 400, 240], [0, 0, 1]]), 640, 480)
SIZE = np.array([16.0, 10.0, 3.5])
CLUTTER, WAYS = 0.25, ("compiled", "tensors")
OFTEN, HARDLY, IN_VIEW = 0.9, 0.005, 0.18  # chances of being detected, share in view
VIEWS = 20_000
HERTZ = 100.0
FIRST_FIXES, TRACKED = (100, 500), (100, 300, 1000)  # keypoints


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.localizer_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--points", type=int, default=10_000, help="of the map (10000)")
    parser.add_argument("--frames", type=int, default=20, help="of each row (20)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    report(options, Console(highlight=False))


def report(options: argparse.Namespace, console: Console) -> None:
    """One row for each kind of frame, and how far behind a camera at 100 Hz gets."""
    rng = np.random.default_rng(options.seed)
    table = Table("frame", "keypoints", *WAYS, "times as fast", "right")
    for count in FIRST_FIXES:
        localizer = ready(rng, options.points, count, use_tracker=False)
        row(table, "first fix", localizer, walk(localizer, rng, count, options.frames, 0.3))
    for count in TRACKED:
        localizer = ready(rng, options.points, count, use_tracker=True)
        frames = walk(localizer, rng, count, 4 * options.frames, 1 / HERTZ)
        seconds = row(table, "tracked", localizer, frames)
    console.print(table)
    console.print(
        f"{TRACKED[-1]} keypoints at {HERTZ:g} Hz: the last answer comes "
        f"{1e3 * delay(seconds):.1f} ms after its frame, the slowest took {1e3 * max(seconds):.1f}"
    )


def ready(rng: np.random.Generator, points: int, keypoints: int, use_tracker: bool) -> Localizer:
    config = LocalizerConfig(bank_views=VIEWS, use_tracker=use_tracker)
    localizer = Localizer(hall(rng, points, keypoints), None, config)
    localizer.prepare(CAMERA.frustum())
    return localizer


def hall(rng: np.random.Generator, count: int, keypoints: int) -> MapModel:
    """Points on the walls, floor and ceiling of a hall in which nothing hides them."""
    points = rng.uniform(0, SIZE, (count, 3))
    wall = rng.choice(3, count, p=[0.3, 0.4, 0.3])
    points[np.arange(count), wall] = SIZE[wall] * rng.integers(0, 2, count)
    share = min((1 - CLUTTER) * keypoints / (OFTEN * IN_VIEW * count), 1.0)
    chance = np.where(rng.random(count) < share, OFTEN, HARDLY).astype(np.float32)
    point_map = replace(PointMap.recentred(points), detectability=chance)
    x, y = np.meshgrid(np.arange(1.5, SIZE[0], 2.0), np.arange(1.5, SIZE[1], 2.0))
    places = np.stack([x.ravel(), y.ravel(), np.full(x.size, 1.3)], axis=1) - point_map.origin
    seen, chances = pack_seen(torch.from_numpy(chance).expand(len(places), count))
    reach = torch.tensor([1.2, 1.2, 0.3])
    return MapModel(
        point_map, ViewSpace(torch.from_numpy(places).float(), seen, chances, reach, 0.1)
    )


Shown = tuple[Keypoints, np.ndarray, float]
"""Keypoints, the true T_map_camera (4, 4), the stamp."""


def walk(
    localizer: Localizer, rng: np.random.Generator, keypoints: int, frames: int, step: float
) -> list[Shown]:
    """Frames of a camera that walks around in a circle, `step` seconds from one to the next."""
    start = rng.uniform(0, 2 * np.pi)
    point_map = localizer.map_model.point_map
    return [
        shown(point_map, start + 0.3 * i * step, i * step, keypoints, rng) for i in range(frames)
    ]


def shown(
    point_map: PointMap, turn: float, stamp: float, keypoints: int, rng: np.random.Generator
) -> Shown:
    T = np.eye(4)
    T[:3, 3] = SIZE / 2 + np.array([4 * np.cos(turn), 2 * np.sin(turn), -0.4])
    yaw_pitch_roll = torch.tensor([[turn + 1.5, 0.03, 0.0]], dtype=torch.float64)
    T[:3, :3] = camera_orientation(yaw_pitch_roll)[0].numpy()
    detected = rng.random(len(point_map)) < point_map.detectability
    in_camera = (point_map.in_map_frame[detected] - T[:3, 3]) @ T[:3, :3]
    ahead = in_camera[in_camera[:, 2] > 0.3]
    pixels = (ahead / ahead[:, 2:]) @ CAMERA.K[:2].T
    pixels = pixels[CAMERA.image_contains(pixels)]
    true = rng.permutation(pixels)[: round(keypoints * (1 - CLUTTER))]
    clutter = rng.uniform((0, 0), (640, 480), (keypoints - len(true), 2))
    pixels = np.concatenate([true + rng.normal(size=true.shape), clutter])
    return keypoints_from_pixels(pixels, CAMERA), T, stamp


def row(table: Table, name: str, localizer: Localizer, frames: list[Shown]) -> list[float]:
    """Adds one, and returns the seconds of each frame with compiled loops."""
    took, right = dict[str, np.ndarray](), dict[str, int]()
    for way in WAYS:
        with going(way):
            seconds, right[way] = timed(localizer, frames)
        took[way] = seconds[name == "tracked" :]  # its first frame is a first fix
    typical = {way: float(np.median(took[way])) for way in WAYS}
    times = [f"{1e3 * typical[way]:.1f} ms" for way in WAYS]
    ratio = typical["tensors"] / typical["compiled"]
    keypoints = str(len(frames[0][0].xy))
    table.add_row(
        name,
        keypoints,
        *times,
        f"{ratio:.1f}",
        f"{right['compiled']}, {right['tensors']} of {len(frames)}",
    )
    return took["compiled"].tolist()


@contextmanager
def going(way: str) -> Iterator[None]:
    """As if Numba were not installed, for the way in tensors."""
    is_installed = inputs.is_installed
    if way == "tensors":
        inputs.is_installed = lambda: False  # type: ignore[assignment]
    try:
        yield
    finally:
        inputs.is_installed = is_installed


def timed(localizer: Localizer, frames: list[Shown]) -> tuple[np.ndarray, int]:
    """Processor seconds of each frame, and how many poses are right."""
    localizer.reset()
    seconds, right = list[float](), 0
    for keypoints, T, stamp in frames:
        start = time.process_time()
        answer = localizer.localize(keypoints, stamp=stamp)
        seconds.append(time.process_time() - start)
        if isinstance(answer, Fix):
            right += bool(np.linalg.norm(answer.T_map_camera[:3, 3] - T[:3, 3]) < 0.1)
    return np.array(seconds), right


def delay(seconds: list[float]) -> float:
    """How long after its frame the last answer comes, when one waits for the one before."""
    done = 0.0
    for at, took in enumerate(seconds):
        done = max(done, at / HERTZ) + took
    return done - (len(seconds) - 1) / HERTZ


if __name__ == "__main__":
    main()
