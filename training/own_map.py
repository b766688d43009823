"""Train the network for your own map: python -m training.own_map MAP --out BUNDLE."""

from __future__ import annotations

import argparse
import logging
import shlex
import subprocess
import sys
import warnings
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import lightning
import torch
from torch.utils.data import DataLoader

from bpnp_ros.errors import BpnpError, ConfigError
from bpnp_ros.network.bpnpnet_map import BPnPNetMap, NetworkSize
from bpnp_ros.network.places import Places
from bpnp_ros.point_map.cleaning import thin_to_count
from bpnp_ros.point_map.loading import load_map
from bpnp_ros.weights.bundle import MapBundle
from training.config import OwnMapConfig
from training.map_views import MapViews, explore_map, training_frustum, view_source
from training.module import OwnMapTraining
from training.run_folder import CHECKPOINT, CONFIG, KeepWhatThereIs, Progress
from training.start import start_from_counts
from training.views import ViewBlocks


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning.*")
    try:
        run = _run_folder(options)
        train(options.map, options.out, run, options.mesh, _config(options))
    except BpnpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nstopped; go on with the same command and --resume {run}")
        return 130
    return 0


def train(map_path: Path, out: Path, run: Path, mesh: Path | None, config: OwnMapConfig) -> None:
    """Train, or go on with what `run` holds, and write the bundle to `out`."""
    for folder in (run, out.parent):
        folder.mkdir(parents=True, exist_ok=True)
    config.save(run / CONFIG)
    point_map = thin_to_count(load_map(map_path), config.most_points)
    print(f"{map_path}: {len(point_map)} points; looking for free places", flush=True)
    views = explore_map(point_map, mesh, config)
    module = OwnMapTraining(new_network(views, config), config)

    def save_bundle(trained: OwnMapTraining) -> None:
        MapBundle(views.model, trained.network, model_card(trained)).save(out)

    _fit(module, views, run, KeepWhatThereIs(run, save_bundle))
    save_bundle(module)
    print(f"\n{out}: {out.stat().st_size / 1e6:.1f} MB, {module.views:,} views")


def new_network(views: MapViews, config: OwnMapConfig) -> BPnPNetMap:
    """A network that knows what the map's views show and has not been trained."""
    torch.manual_seed(config.seed)
    size = NetworkSize(harmonics=config.harmonics, bands=config.bands)
    network = BPnPNetMap(views.model.points, Places(views.model.view_space), size)
    space, frustum = views.model.view_space, training_frustum(config)
    start_from_counts(network, space, views.fine, frustum)
    return network


def model_card(module: OwnMapTraining) -> dict[str, Any]:
    """What made these weights."""
    git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "command": "python -m training.own_map " + shlex.join(sys.argv[1:]),
        "settings": vars(module.config),
        "revision": git.stdout.strip(),
        "views": module.views,
        "minutes": round(module.seconds / 60, 1),
        "device": str(module.device),
    }


def _fit(module: OwnMapTraining, views: MapViews, run: Path, keeper: KeepWhatThereIs) -> None:
    source = view_source(views, module.config)

    class Loader(lightning.LightningDataModule):
        def train_dataloader(self) -> DataLoader[Any]:
            epoch = module.current_epoch
            blocks = ViewBlocks(source, module.config.batch, module.config.seed, epoch)
            return DataLoader(blocks, batch_size=None)

    trainer = lightning.Trainer(
        default_root_dir=run,
        max_epochs=-1,
        reload_dataloaders_every_n_epochs=1,
        callbacks=[Progress(run), keeper],
        gradient_clip_val=1.0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    checkpoint = run / CHECKPOINT
    resumed = checkpoint if checkpoint.exists() else None
    try:
        trainer.fit(module, datamodule=Loader(), ckpt_path=resumed)
    except SystemExit as ctrl_c:
        raise KeyboardInterrupt from ctrl_c


def _run_folder(options: argparse.Namespace) -> Path:
    if options.resume is not None:
        if not (options.resume / CONFIG).exists():
            raise ConfigError(f"there is no run in {options.resume} to go on with.")
        return Path(options.resume)
    run = options.run or Path("runs") / options.out.stem
    if (run / CHECKPOINT).exists():
        raise ConfigError(f"{run} holds a run; go on with --resume {run}, or name another --run.")
    return Path(run)


def _config(options: argparse.Namespace) -> OwnMapConfig:
    file = options.resume / CONFIG if options.resume else options.config
    config = OwnMapConfig.load(file) if file else OwnMapConfig()
    given = {name: value for name, value in vars(options).items() if value is not None}
    names = {entry.name for entry in fields(OwnMapConfig)}
    return replace(config, **{name: given[name] for name in names & given.keys()})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.own_map", description=__doc__)
    parser.add_argument("map", type=Path, help=".ply, .pcd, .xyz, .npz or COLMAP folder")
    parser.add_argument("--out", type=Path, required=True, help="bundle to write")
    parser.add_argument("--mesh", type=Path, help="surface that hides points; else points do")
    folder = parser.add_mutually_exclusive_group()
    folder.add_argument("--run", type=Path, help="folder of a new run; runs/<name of the bundle>")
    folder.add_argument("--resume", type=Path, help="go on with the run in this folder")
    parser.add_argument("--config", type=Path, help="YAML file with the settings below")
    for entry in fields(OwnMapConfig):
        unit = f" {entry.metadata['unit']}".rstrip()
        about = f"{entry.metadata['description']} (default {entry.default}{unit})"
        option = "--" + entry.name.replace("_", "-")
        parser.add_argument(option, type=type(entry.default), help=about)
    return parser


if __name__ == "__main__":
    sys.exit(main())
