"""Weights to test, or to begin a training with, out of every kind of file there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.network.matching import MatchingNetwork
from bpnp_ros.weights.bpnpnet_file import filled_bpnpnet, load_bpnpnet_weights
from bpnp_ros.weights.reference_checkpoint import load_reference_checkpoint
from bpnp_ros.weights.safetensors_file import WeightsHeader, save_weights
from training.common.run_folder import BEST, LAST, read_checkpoint

WEIGHTS = "weights.safetensors"
ARCHITECTURE = "architecture"
"""Entry of our checkpoints; those that lack it are of the paper's own network."""
_NETWORK, _AVERAGE = "network.", "average.module."
"""Before the names of the last weights and, where there is one, of their average."""


class Start(NamedTuple):
    """architecture: which variant the weights are of. epoch: those that were trained.

    adam: the optimiser's state, None where unknown. card: what the file says of its own training.
    """

    weights: dict[str, Tensor]
    architecture: str = BPnPNet.architecture
    epoch: int = 0
    adam: dict[str, Any] | None = None
    card: dict[str, Any] | None = None


def load_start(path: Path) -> Start:
    """Read a run folder (its best), .ckpt, .safetensors, or a .pth.tar of the paper's code.

    Nothing in the file is run. Raises WeightsError.
    """
    if path.is_dir():
        path = next((path / name for name in (BEST, LAST) if (path / name).exists()), path / BEST)
    if path.suffix == ".safetensors":
        weights, header = load_bpnpnet_weights(path)
        return Start(weights, header.architecture, card=header.training)
    if path.suffix == ".ckpt":
        return _ours(path)
    checkpoint = load_reference_checkpoint(path)
    return Start(checkpoint.state_dict, epoch=checkpoint.epoch or 0, adam=checkpoint.optimizer)


def started_network(start: Start, path: Path, bf16: bool) -> MatchingNetwork:
    """The network of what was read from `path`. Raises WeightsError."""
    return filled_bpnpnet(start.weights, path, start.architecture, bf16)


def publish(network: MatchingNetwork, path: Path, training: dict[str, Any]) -> None:
    """Write the weights for use, with what they come from."""
    save_weights(path, network.state_dict(), WeightsHeader(network.architecture, training=training))


def _ours(path: Path) -> Start:
    content = read_checkpoint(path)
    state = content["state_dict"]
    kept = _AVERAGE if any(key.startswith(_AVERAGE) for key in state) else _NETWORK
    weights = {key.removeprefix(kept): w for key, w in state.items() if key.startswith(kept)}
    architecture = content.get(ARCHITECTURE, BPnPNet.architecture)
    return Start(weights, architecture, content["epoch"] + 1)
