"""Which methods and which scenes there are."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from bpnp_ros.benchmark.localizer_methods import Crops, FromPrior, OwnMapNetwork, Search
from bpnp_ros.benchmark.methods import (
    Method,
    NearestCamera,
    NetworkMatches,
    OracleMatches,
    network_rows,
)
from bpnp_ros.benchmark.whole_localizer import whole_localizer_rows
from bpnp_ros.errors import ConfigError
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.point_map.sfm.colmap import model_folder
from bpnp_ros.weights.bpnpnet_file import is_reference, load_bpnpnet, load_bpnpnet_weights

PAPER_NETWORK = "bpnpnet"
ABOUT_TRAINING = (
    "network",
    "dataset",
    "num_points_train",
    "samples",
    "epoch",
    "minutes",
    "device",
)


def all_methods(bpnpnet: Path) -> list[Method]:
    """From the ceiling to the floor. bpnpnet: weights of the paper's network."""
    told: list[Method] = [OracleMatches(), FromPrior(), OwnMapNetwork(), Search()]
    told += whole_localizer_rows()
    network, weights = load_bpnpnet(bpnpnet), _fingerprint(bpnpnet)
    told.append(Crops(f"{PAPER_NETWORK} on crops", network, weights))
    told.append(Crops(f"likelihood search + {PAPER_NETWORK} on crops", network, weights, True))
    told += network_rows(PAPER_NETWORK, network, weights)
    floor = NetworkMatches("random weights", random_bpnpnet(), "random, seed 0")
    return [*told, floor, NearestCamera()]


def about_weights(path: Path) -> str:
    """What a file of weights says of its training, in words."""
    if is_reference(path):
        return "a checkpoint of the paper's code"
    _, header = load_bpnpnet_weights(path)
    return "; before that: ".join(_about_trainings(header.training))


def _about_trainings(card: dict[str, Any]) -> Iterator[str]:
    """The last training first, then those whose weights it started from."""
    facts = {**card, **card.get("settings", {})}
    told = [f"{name} {facts[name]}" for name in ABOUT_TRAINING if name in facts]
    if "command" in facts:
        told.append(f"`{_without_folders(facts['command'])}`")
    yield ", ".join(told) or "of a training that nothing is known of"
    if "started from" in card:
        yield from _about_trainings(card["started from"])


def random_bpnpnet() -> BPnPNet:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return BPnPNet().eval()


def find_scenes(folder: Path) -> dict[str, Path]:
    """By name: a COLMAP model, or the .npz files and COLMAP models in a folder.

    Raises ConfigError where there is none.
    """
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}; give one of .npz scenes or COLMAP models.")
    if model_folder(folder) is not None:
        return {folder.resolve().name: folder}
    models = [path for path in folder.iterdir() if path.is_dir() and model_folder(path)]
    scenes = {path.name: path for path in models} | {p.stem: p for p in folder.glob("*.npz")}
    if not scenes:
        raise ConfigError(f"{folder} holds no .npz scenes and no COLMAP models.")
    return dict(sorted(scenes.items()))


def _without_folders(command: str) -> str:
    """A command with files by their names alone: where they lay says nothing elsewhere."""
    words = (Path(word).name if word.startswith("/") else word for word in shlex.split(command))
    return shlex.join(words)


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
