"""How often the own-map network alone finds a camera in the demo's world.

python -m experiments.own_map_recall BUNDLE [--views 500] [--record]. The views are fresh: places of
another seed in the free volume, any yaw, observed by ray casting in the simulated world. No
tracking, no likelihood search. Two controls: random weights, and the trained ones with their places
shuffled, which know as little but are sure of themselves, so that their views are searched. The
ceiling is what the gate accepts of a pose that starts at the truth.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.demo.stream import CAMERA
from bpnp_ros.demo.weights import random_weights
from bpnp_ros.evaluation.metrics import NOWHERE, Tolerance, pose_errors, recall
from bpnp_ros.keypoints.keypoints import (
    Keypoints,
    TooFewKeypointsError,
    keypoints_from_pixels,
)
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.exploration import ExplorationConfig, explore, fine_view_space
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.simulation.observation import DetectorNoise, observe
from bpnp_ros.simulation.world import World, make_world
from bpnp_ros.weights.bundle import MapBundle

WORLD = "bpnp_ros.simulation.world.make_world(0), files by python -m training.own_map.demo_world"
TILT = 0.15
TOLERANCES = (Tolerance(0.25, 2.0), Tolerance(0.25, 5.0))
WRONG = Tolerance(1.0, 10.0)
NETWORK_ALONE = LocalizerConfig(use_likelihood_search=False, use_tracker=False)
NEAR = np.diag([0.05] * 3 + [0.02] * 3) ** 2
"""Covariance of a start near the truth, m^2 and rad^2."""


@dataclass(frozen=True, eq=False)
class View:
    """keypoints: what the camera at T_map_camera (4, 4) reports; None when too few."""

    keypoints: Keypoints | None
    T_map_camera: NDArray[np.float64]


def fresh_views(world: World, count: int, noise: DetectorNoise, seed: int) -> Iterator[View]:
    """Views from random free places with any yaw, those that show next to nothing included."""
    for i, T_map_camera in enumerate(_poses(world, count, seed)):
        seen = observe(world, T_map_camera, CAMERA, noise, np.random.default_rng([seed, i]))
        yield View(_keypoints(seen.pixels), T_map_camera)


def _poses(world: World, count: int, seed: int) -> NDArray[np.float64]:
    """T_map_camera (count, 4, 4) in the free volume."""
    point_map = PointMap.recentred(world.landmarks)
    everything = np.arange(len(point_map))

    def seen_from(positions: NDArray[np.float32]) -> NDArray[np.bool_]:
        return np.stack([world.visible(p + point_map.origin, everything) for p in positions])

    config = ExplorationConfig(tilt=TILT)
    samples = explore(point_map, seen_from, count, config, seed)
    space = fine_view_space(point_map, samples, config)
    poses = space.sample(count, torch.Generator().manual_seed(seed))[0].double().numpy()
    poses[:, :3, 3] += point_map.origin
    return poses


def _keypoints(pixels: NDArray[np.float32]) -> Keypoints | None:
    try:
        return keypoints_from_pixels(pixels, CAMERA)
    except TooFewKeypointsError:
        return None


def shuffled_places(bundle: MapBundle) -> MapBundle:
    """The trained network with its panoramas given to other places; its confidence stays."""
    network = copy.deepcopy(bundle.network)
    assert network is not None
    order = torch.randperm(len(network.places), generator=torch.Generator().manual_seed(0))
    for part in (network.panorama.cosine, network.panorama.sine):
        part.data = part.data[..., order]
    return replace(bundle, network=network)


def measure(
    localizer: Localizer, views: list[View], from_truth: bool = False
) -> dict[str, float | None]:
    """Shares of all views and seconds a view. from_truth: start there, and search nowhere else."""
    localizer.prepare(CAMERA.frustum())
    truth = np.stack([view.T_map_camera for view in views])
    start = time.perf_counter()
    found = np.stack([_answer(localizer, view, from_truth) for view in views])
    seconds = time.perf_counter() - start
    errors = pose_errors(truth, found)
    published = np.isfinite(errors.metres)
    return {
        **{f"recall {bounds}": round(recall(errors, bounds), 4) for bounds in TOLERANCES},
        "wrong": round(float((published & ~errors.within(WRONG)).mean()), 4),
        "median error m": round(float(np.median(errors.metres[published])), 4)
        if published.any()
        else None,
        "seconds a view": round(seconds / len(views), 3),
    }


def _answer(localizer: Localizer, view: View, from_truth: bool) -> NDArray[np.float64]:
    """The published pose, NaN where there is none."""
    if view.keypoints is not None:
        prior = PosePrior(view.T_map_camera, NEAR) if from_truth else None
        answer = localizer.localize(view.keypoints, stamp=0.0, prior=prior)
        if isinstance(answer, Fix):
            return answer.T_map_camera
    return NOWHERE


def _network_alone(bundle: MapBundle) -> Localizer:
    return Localizer(bundle.model, bundle.network, NETWORK_ALONE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--views", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1, help="of the views; the world's is 0")
    parser.add_argument("--missed", type=float, default=0.3)
    parser.add_argument("--clutter", type=float, default=0.3)
    parser.add_argument("--record", action="store_true", help="write it into the model card")
    options = parser.parse_args()
    noise = DetectorNoise(missed=options.missed, clutter=options.clutter)
    views = list(fresh_views(make_world(0), options.views, noise, options.seed))
    bundle = MapBundle.load(options.bundle)
    figures = {"trained": measure(_network_alone(bundle), views)}
    print(json.dumps(figures), flush=True)
    figures["ceiling"] = measure(Localizer(bundle.model, None, NETWORK_ALONE), views, True)
    for name, control in (("random weights", random_weights), ("shuffled places", shuffled_places)):
        figures[name] = measure(_network_alone(control(bundle)), views)
    print(json.dumps(figures))
    if options.record:
        setting = f"{options.views} fresh views, missed {options.missed}, clutter {options.clutter}"
        card = {**bundle.card, "world": WORLD, "figures": {"setting": setting, **figures}}
        replace(bundle, card=card).save(options.bundle)


if __name__ == "__main__":
    main()
