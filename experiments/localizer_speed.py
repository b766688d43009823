"""How fast the localiser is, and how much its compiled loops bring: same frames, same run.

python -m experiments.localizer_speed [OUT] [--seed 0] [--points 10000]. A camera walks through a
hall with points on its walls, so many of which are often detected that a frame has the keypoints
wanted; the others hardly ever are. On one thread; a time is a median of processor times. Rows that
stand in OUT/rows.jsonl are not measured again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from bpnp_ros import Fix, LocalizerConfig
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.keypoints.keypoints import Keypoints, keypoints_from_pixels
from bpnp_ros.localizer.compiled import inputs
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace, camera_orientation, pack_seen
from bpnp_ros.point_map.point_map import PointMap

CAMERA = Camera(np.array([[400.0, 0, 320], [0, 400, 240], [0, 0, 1]]), 640, 480)
SIZE = np.array([16.0, 10.0, 3.5])
CLUTTER = 0.25
OFTEN, HARDLY, IN_VIEW = 0.9, 0.005, 0.18  # chances of being detected, share in view
VIEWS = 20_000
HERTZ = 100.0
FIRST_FIX, TRACKED = "first fix", "tracked"
KINDS = [(FIRST_FIX, 100), (FIRST_FIX, 500), (TRACKED, 100), (TRACKED, 300), (TRACKED, 1000)]
IN_TENSORS = 2  # frames


@dataclass(frozen=True)
class Row:
    """Seconds of frames with compiled loops, and of the first few in tensors; poses right."""

    frame: str
    keypoints: int
    compiled: list[float]
    tensors: list[float]
    right: int


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.localizer_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, nargs="?", default=Path("localizer_speed"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--points", type=int, default=10_000, help="of the map (10000)")
    parser.add_argument("--frames", type=int, default=20, help="first fixes of a row (20)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(highlight=False)
    options.out.mkdir(parents=True, exist_ok=True)
    report(measured(options, console), console)


def measured(options: argparse.Namespace, console: Console) -> list[Row]:
    """All rows; each is written down as soon as it is measured."""
    path = options.out / "rows.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [Row(**json.loads(line)) for line in lines]
    for frame, keypoints in KINDS[len(rows) :]:
        console.print(f"{frame}, {keypoints} keypoints", style="dim")
        rows.append(measure(frame, keypoints, options))
        with path.open("a") as file:
            file.write(json.dumps(asdict(rows[-1])) + "\n")
    return rows


def report(rows: list[Row], console: Console) -> None:
    """The table, and how far behind a camera at 100 Hz the last row gets."""
    table = Table("frame", "keypoints", "compiled", "tensors", "times as fast", "right")
    for row in rows:
        compiled, tensors = (1e3 * float(np.median(s)) for s in (row.compiled, row.tensors))
        of_frames = f"{row.right} of {len(row.compiled)}"
        times = [f"{ms:.1f} ms" for ms in (compiled, tensors)]
        table.add_row(row.frame, str(row.keypoints), *times, f"{tensors / compiled:.1f}", of_frames)
    console.print(table)
    seconds = rows[-1].compiled
    console.print(
        f"{rows[-1].keypoints} keypoints at {HERTZ:g} Hz: the last answer comes "
        f"{1e3 * delay(seconds):.1f} ms after its frame, the slowest took {1e3 * max(seconds):.1f}"
    )


def measure(frame: str, keypoints: int, options: argparse.Namespace) -> Row:
    rng = np.random.default_rng([options.seed, keypoints])
    config = LocalizerConfig(bank_views=VIEWS, use_tracker=frame == TRACKED)
    localizer = Localizer(hall(rng, options.points, keypoints), None, config)
    localizer.prepare(CAMERA.frustum())
    count, step = (5 * options.frames, 1 / HERTZ) if frame == TRACKED else (options.frames, 0.3)
    frames = walk(localizer, rng, keypoints, count, step)
    compiled, right = timed(localizer, frames)
    with without_numba():
        tensors, _ = timed(localizer, frames[:IN_TENSORS])
    return Row(frame, keypoints, compiled, tensors, right)


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


@contextmanager
def without_numba() -> Iterator[None]:
    """As if it were not installed."""
    is_installed = inputs.is_installed
    inputs.is_installed = lambda: False  # type: ignore[assignment]
    try:
        yield
    finally:
        inputs.is_installed = is_installed


def timed(localizer: Localizer, frames: list[Shown]) -> tuple[list[float], int]:
    """Processor seconds of each frame, and how many poses are right; a camera that is followed is
    told where it starts, in a frame that does not count."""
    localizer.reset()
    seconds, right = list[float](), 0
    if localizer.config.use_tracker:
        keypoints, T, stamp = frames[0]
        localizer.localize(keypoints, stamp=stamp - 1 / HERTZ, prior=PosePrior(T, 1e-4 * np.eye(6)))
    for keypoints, T, stamp in frames:
        start = time.process_time()
        answer = localizer.localize(keypoints, stamp=stamp)
        seconds.append(time.process_time() - start)
        if isinstance(answer, Fix):
            right += bool(np.linalg.norm(answer.T_map_camera[:3, 3] - T[:3, 3]) < 0.1)
    return seconds, right


def delay(seconds: list[float]) -> float:
    """How long after its frame the last answer comes, when one waits for the one before."""
    done = 0.0
    for at, took in enumerate(seconds):
        done = max(done, at / HERTZ) + took
    return done - (len(seconds) - 1) / HERTZ


if __name__ == "__main__":
    main()
