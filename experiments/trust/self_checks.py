"""Wrong lenses and changed maps: are they named, and are right ones left alone?

python -m experiments.trust.self_checks [--seeds 51 52] [--frames 240]. Walks through buildings, and
drives below lamps and between cones. Every walk is gone twice; what moves does so in between. The
checks were tuned on seeds 21 to 41 and 111 to 172.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from bpnp_ros import Fix, Keypoints, Localizer, LocalizerConfig, keypoints_from_pixels
from bpnp_ros.simulation.camera_path import make_camera_path
from bpnp_ros.simulation.observation import DetectorNoise, observe
from bpnp_ros.simulation.world import World
from experiments.trust.worlds.buildings import (
    CAMERA,
    Array,
    building,
    model_of,
    with_a_third_moved,
)
from experiments.trust.worlds.in_buildings import wrong_lens
from experiments.zoo.ground import KINDS as GROUND
from experiments.zoo.lamps import KINDS as LAMPS
from experiments.zoo.trial import Trial

HERTZ = 5.0
OPEN = ("ceiling lamps, looking up", "street lamps from a car", "cones of a race track")
CODES = ("CAMERA_MISCALIBRATED", "MAP_CHANGED")
Shown = Iterator[tuple[Keypoints, Array]]
"""Keypoints as CameraInfo has them, and the true T_map_camera (4, 4)."""


@dataclass(frozen=True)
class Row:
    """frames until each code was in the notes (0: never); errors in metres of the second half."""

    named: tuple[int, ...]
    errors: tuple[float, ...]


def run(localizer: Localizer, shown: Shown) -> Row:
    named, errors = [0] * len(CODES), list[float]()
    for number, (keypoints, T) in enumerate(shown, start=1):
        answer = localizer.localize(keypoints, stamp=1 + number / HERTZ)
        if isinstance(answer, Fix):
            errors.append(float(np.linalg.norm(answer.T_map_camera[:3, 3] - T[:3, 3])))
        for row, code in enumerate(CODES):
            named[row] = named[row] or number * any(code in note for note in localizer.notes)
    return Row(tuple(named), tuple(errors[len(errors) // 2 :]))


def walk(world: World, told: World, seed: int, frames: int, focal: float) -> Shown:
    """told: as the map has it, and the first time round; world: as it is the second time."""
    camera, rng = wrong_lens(focal), np.random.default_rng(seed)
    path = make_camera_path(told.plan, seed, frames / 2 / HERTZ, HERTZ, 0).T_map_camera
    for shown in (told, world):
        for T in path:
            pixels = observe(shown, T, camera, DetectorNoise(), rng).pixels
            yield keypoints_from_pixels(pixels, CAMERA), T


def drive(trial: Trial) -> Shown:
    for frame in trial.drive:
        if frame.keypoints is not None:
            yield frame.keypoints, frame.T_map_camera


def with_a_part_moved(world: World, seed: int) -> World:
    """What lies within a metre of some landmark stands 0.7 m further along y."""
    rng = np.random.default_rng(seed)
    middle = world.landmarks[rng.integers(len(world.landmarks))]
    near = np.linalg.norm(world.landmarks - middle, axis=1) < 1.0
    return replace(world, landmarks=world.landmarks + near[:, None] * [0.0, 0.7, 0.0])


def rows(seed: int, frames: int) -> Iterator[tuple[str, Row]]:
    world, config = building(seed), LocalizerConfig(bank_views=8000)
    model, in_bare = model_of(world), Localizer.from_map(world.landmarks, config=config)

    def walked(shown: World, focal: float, refine: bool = False) -> Row:
        localizer = Localizer(model, None, replace(config, refine_intrinsics=refine))
        return run(localizer, walk(shown, world, seed, frames, focal))

    yield "building as told", walked(world, 1.0)
    yield "bare building as told", run(in_bare, walk(world, world, seed, frames, 1.0))
    for focal in (1.03, 0.9, 1.1):
        yield f"focal length {focal - 1:+.0%}", walked(world, focal)
        yield f"focal length {focal - 1:+.0%}, refined", walked(world, focal, refine=True)
    yield "a part of the map moved 0.7 m", walked(with_a_part_moved(world, seed), 1.0)
    yield "a third of the map moved 1 m", walked(with_a_third_moved(seed), 1.0)
    for name in OPEN:
        trial = {**LAMPS, **GROUND}[name].trial(0, seed)
        config = LocalizerConfig(use_bpnpnet=False, **trial.told)  # type: ignore[arg-type]
        yield f"{name}, as told", run(Localizer.from_map(trial.source, config=config), drive(trial))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.trust.self_checks")
    parser.add_argument("--seeds", type=int, nargs="+", default=[51, 52])
    parser.add_argument("--frames", type=int, default=240, help="of each case and seed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table: dict[str, list[Row]] = {}
    for seed in options.seeds:
        for name, row in rows(seed, options.frames):
            table.setdefault(name, []).append(row)
            print(f"seed {seed}: {line(name, [row])}", flush=True)
    print("| case | walks | camera accused, after frames | map accused, after frames | error |")
    print("|---|---|---|---|---|")
    for name, found in table.items():
        print(line(name, found))


def line(name: str, found: list[Row]) -> str:
    """A row of the table; the error is the median of the second half of the poses."""
    accused = [sorted(row.named[code] for row in found if row.named[code]) for code in (0, 1)]
    said = [f"{len(at)} ({', '.join(map(str, at))})" if at else "0" for at in accused]
    errors = [error for row in found for error in row.errors]
    metres = f"{np.median(errors):.3f} m" if errors else "no pose"
    return f"| {name} | {len(found)} | {said[0]} | {said[1]} | {metres} |"


if __name__ == "__main__":
    main()
