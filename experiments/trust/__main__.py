"""Poses, probabilities and covariances against the truth, in worlds as told and in hostile ones.

python -m experiments.trust [--seeds 31 32] [--frames 40]. Every frame is a first fix. Wrong: off by
more than 0.5 m or 5 deg; half-way: by more than 0.1 m. The weights of the probability were fitted
on seeds 21 to 23.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.rotation import so3_log
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.types import Fix
from bpnp_ros.simulation.observation import DetectorNoise
from experiments.trust.buildings import (
    CAMERA,
    Array,
    Shot,
    building,
    model_of,
    shots,
    twin_buildings,
    with_a_third_moved,
)

CONFIG = LocalizerConfig(bank_views=8000, use_tracker=False)
WRONG_METRES, WRONG_RADIANS, HALF_WAY_METRES = 0.5, np.radians(5), 0.1
NOISES = (0.5, 1.0, 2.0, 3.0)  # px
AS_TOLD = ((0.3, 0.3), (0.5, 0.5), (0.3, 0.7))  # missed, clutter
Answer = tuple[Fix | None, Array]
"""A fix, where there is one, and the truth (4, 4)."""


def answers(localizer: Localizer, frames: Iterator[Shot]) -> list[Answer]:
    found = list[Answer]()
    for shot in frames:
        answer = localizer.localize(shot.pixels, CAMERA)
        found.append((answer if isinstance(answer, Fix) else None, shot.T_map_camera))
    return found


def cases(seed: int, count: int) -> Iterator[tuple[str, list[Answer]]]:
    """Each case of one building and its answers."""
    world = building(seed)
    model = model_of(world)
    localizer = Localizer(model, None, CONFIG)
    for missed, clutter in AS_TOLD:
        noise = DetectorNoise(missed=missed, clutter=clutter)
        name = f"as told, {missed:.0%} missed, {clutter:.0%} clutter"
        yield name, answers(localizer, shots(world, model, count, seed, noise))
    for px in NOISES:
        noise = DetectorNoise(pixel_noise=px)
        yield f"noise {px:g} px", answers(localizer, shots(world, model, count, seed + 1, noise))
    for heights in ((0.3, 0.6), (2.2, 2.5)):
        name = f"camera {heights[0]} to {heights[1]} m high, told 1.2 to 1.8"
        yield name, answers(localizer, shots(world, model, count, seed, heights=heights))
    moved = with_a_third_moved(world)
    yield "a third of the map moved 1 m", answers(localizer, shots(moved, model, count, seed))
    for factor in (1.03, 1.1):
        K = CAMERA.K * [[factor, 1, 1], [1, factor, 1], [1, 1, 1]]
        camera = replace(CAMERA, K=K)
        name = f"focal length {factor - 1:.0%} wrong"
        yield name, answers(localizer, shots(world, model, count, seed, camera=camera))
    twins = twin_buildings(seed, 0.1 + 0.1 * (seed % 3))
    model = model_of(twins)
    localizer = Localizer(model, None, CONFIG)
    yield "the map holds a twin of the place", answers(localizer, shots(twins, model, count, seed))


def line(name: str, found: list[Answer]) -> str:
    """A row of the table."""
    fixes = [(fix, truth) for fix, truth in found if fix is not None]
    if not fixes:
        return f"| {name} | {len(found)} | 0 | | | | |"
    errors = np.stack([_error(fix, truth) for fix, truth in fixes])
    covariances = np.stack([fix.covariance for fix, _ in fixes])
    metres, radians = (np.linalg.norm(part, axis=1) for part in (errors[:, :3], errors[:, 3:]))
    wrong = (metres > WRONG_METRES) | (radians > WRONG_RADIANS)
    half_way = ~wrong & (metres > HALF_WAY_METRES)
    white = np.linalg.solve(covariances, errors[..., None])[..., 0]
    nees = (errors * white).sum(axis=1)[~wrong] / 6
    sigmas = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
    within = (np.abs(errors) < 2 * sigmas)[~wrong]
    share = f"{nees.mean():.2f} | {within.mean():.1%}" if len(nees) else " | "
    return f"| {name} | {len(found)} | {len(fixes)} | {wrong.sum()} | {half_way.sum()} | {share} |"


def _error(fix: Fix, truth: Array) -> Array:
    """(6,) position in the map and rotation about its axes."""
    turn = so3_log(torch.from_numpy(fix.T_map_camera[:3, :3] @ truth[:3, :3].T)).numpy()
    return np.concatenate([fix.T_map_camera[:3, 3] - truth[:3, 3], turn])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.trust", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[31, 32])
    parser.add_argument("--frames", type=int, default=40, help="of each case and seed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table: dict[str, list[Answer]] = {}
    for seed in options.seeds:
        for name, found in cases(seed, options.frames):
            table.setdefault(name, []).extend(found)
    print("| case | frames | fixes | wrong | half-way | NEES / 6 | within 2 sigma |")
    print("|---|---|---|---|---|---|---|")
    for name, found in table.items():
        print(line(name, found))


if __name__ == "__main__":
    main()
