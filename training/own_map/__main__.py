"""Train the network for your own map: python -m training.own_map MAP --out BUNDLE."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from bpnp_ros.command import exit_status, loading

with loading():
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from bpnp_ros.errors import ConfigError
    from bpnp_ros.evaluation.tum import read_tum
    from bpnp_ros.network.bpnpnet_map import BPnPNetMap, NetworkSize
    from bpnp_ros.network.counted_start import counted_network
    from bpnp_ros.point_map.cleaning import checked_scale, thin_to_count
    from bpnp_ros.point_map.loading import load_map, needs_scale
    from bpnp_ros.point_map.sfm.sfm_model import SfmModel
    from bpnp_ros.weights.bundle import MapBundle
    from training.common.callbacks import Keep
    from training.common.card import model_card
    from training.common.fit import WORLD, be_quiet, fit
    from training.common.run_folder import CONFIG, begin, require_no_run, require_run
    from training.own_map.camera_file import read_cameras
    from training.own_map.config import OwnMapConfig
    from training.own_map.map_views import MapViews, explore_map, photographed_map, view_source
    from training.own_map.module import OwnMapTraining
    from training.own_map.views import ViewLoader


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    be_quiet()
    run = options.resume or options.run or Path("runs") / options.out.stem
    return exit_status(
        lambda: _train(options, run),
        interrupted=f"stopped; go on with the same command and --resume {run}",
    )


def _train(options: argparse.Namespace, run: Path) -> None:
    if WORLD > 1:
        raise ConfigError("a map of your own is trained in one process; leave torchrun out.")
    (require_run if options.resume else require_no_run)(run)
    file = run / CONFIG if options.resume else options.config
    config = OwnMapConfig.from_options(options, file)
    metric = options.map_scale is not None or not needs_scale(options.map)
    views = replace(_map_views(options, config), metric=metric)
    train(views, options.out, run, config)


def train(views: MapViews, out: Path, run: Path, config: OwnMapConfig) -> None:
    """Train, or go on with what `run` holds, and write the bundle to `out`."""
    begin(run, config)
    out.parent.mkdir(parents=True, exist_ok=True)
    module = OwnMapTraining(new_network(views, config), config)

    def save_bundle(trained: OwnMapTraining) -> None:
        card = model_card(trained, config)
        bundle = MapBundle(views.model, trained.network, card)
        replace(bundle, scale=views.scale, metric=views.metric).save(out)

    data, keep = ViewLoader(module, view_source(views, config)), Keep(run, save_bundle)
    fit(module, data, run, keep, max_epochs=-1, gradient_clip_val=1.0)
    save_bundle(module)
    print(f"\n{out}: {out.stat().st_size / 1e6:.1f} MB, {module.samples:,} views")


def new_network(views: MapViews, config: OwnMapConfig) -> BPnPNetMap:
    """A network that knows what the map's views show and has not been trained."""
    torch.manual_seed(config.seed)
    size = NetworkSize(harmonics=config.harmonics, bands=config.bands)
    return counted_network(views.model.points, views.places, views.fine, views.frustums[0], size)


def _map_views(options: argparse.Namespace, config: OwnMapConfig) -> MapViews:
    if options.photographs and (options.path or options.camera or options.mesh):
        raise ConfigError("--photographs knows places and camera; leave out the other options.")
    if options.photographs:
        return photographed_map(SfmModel.load(options.map), checked_scale(options.map_scale))
    point_map = thin_to_count(load_map(options.map, options.map_scale), config.most_points)
    print(f"{options.map}: {len(point_map)} points; looking for free places", flush=True)
    scale = checked_scale(options.map_scale)
    path = _positions(options.path) * scale if options.path else None
    cameras = [camera for file in options.camera for camera in read_cameras(file)]
    return replace(explore_map(point_map, config, options.mesh, path, cameras), scale=scale)


def _positions(file: Path) -> NDArray[np.float64]:
    """Where a recorded path's camera was, (F, 3). Raises ConfigError for a path without poses."""
    positions = read_tum(file).T_map_camera[:, :3, 3]
    if not len(positions):
        raise ConfigError(f"{file} holds no poses; --path needs lines `stamp x y z qx qy qz qw`.")
    return positions


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.own_map", description=__doc__)
    parser.add_argument("map", type=Path, help=".ply, .pcd, .xyz, .npz or COLMAP folder")
    parser.add_argument("--out", type=Path, required=True, help="bundle to write")
    parser.add_argument("--mesh", type=Path, help="surface that hides points; else points do")
    parser.add_argument(
        "--photographs",
        action="store_true",
        help="train on views like those of the photographs that made a COLMAP or .npz map",
    )
    parser.add_argument(
        "--path", type=Path, help="TUM file of camera poses in the map: train for places around it"
    )
    parser.add_argument(
        "--camera",
        type=Path,
        action="append",
        default=[],
        help="calibration of cameras to train for (see docs/own_map.md); may be repeated",
    )
    parser.add_argument("--map-scale", type=float, help="metres per unit of such a map")
    folder = parser.add_mutually_exclusive_group()
    folder.add_argument("--run", type=Path, help="folder of a new run; runs/<name of the bundle>")
    folder.add_argument("--resume", type=Path, help="go on with the run in this folder")
    parser.add_argument("--config", type=Path, help="YAML file with the settings below")
    OwnMapConfig.add_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
