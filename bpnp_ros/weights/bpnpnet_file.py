"""BPnPNet, in either variant, out of a file of weights."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor

from bpnp_ros.errors import WeightsError
from bpnp_ros.network.attention import AttentionBPnPNet
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.network.matching import MatchingNetwork
from bpnp_ros.weights.reference_checkpoint import load_reference_checkpoint
from bpnp_ros.weights.safetensors_file import WeightsHeader, load_weights

VARIANTS: dict[str, type[MatchingNetwork]] = {
    variant.architecture: variant for variant in (BPnPNet, AttentionBPnPNet)
}
"""By what the header of their weights calls them."""


def any_map_weights() -> Path:
    """BPnPNet for any map, which comes with the package; its header is its model card."""
    return Path(str(files("bpnp_ros") / "data" / "any_map.safetensors"))


@cache
def shipped_network(device: torch.device) -> MatchingNetwork:
    """BPnPNet with the weights that come with the package, read once."""
    return load_bpnpnet(any_map_weights()).to(device)


def load_bpnpnet(path: Path) -> MatchingNetwork:
    """Weights as ours (.safetensors) or as the reference's (.pth.tar). Raises WeightsError."""
    if is_reference(path):
        return filled_bpnpnet(load_reference_checkpoint(path).state_dict, path).eval()
    weights, header = load_bpnpnet_weights(path)
    return filled_bpnpnet(weights, path, header.architecture).eval()


def load_bpnpnet_weights(path: Path) -> tuple[dict[str, Tensor], WeightsHeader]:
    """Those of either variant in a .safetensors file. Raises WeightsError."""
    return load_weights(path, *VARIANTS)


def filled_bpnpnet(
    weights: dict[str, Tensor],
    path: Path,
    architecture: str = BPnPNet.architecture,
    bf16: bool = False,
) -> MatchingNetwork:
    """The network that the weights of `path` are of. Raises WeightsError for those of another."""
    try:
        return VARIANTS[architecture].from_weights(weights, bf16)
    except RuntimeError as error:
        first_misfit = str(error).splitlines()[1].split(', "')[0].strip(" \t.")
        raise WeightsError(
            f"{path} does not hold the weights of a BPnPNet as '{architecture}' is in this "
            f"version, or has other channels: {first_misfit}."
        ) from error


def is_reference(path: Path) -> bool:
    return path.name.endswith(".pth.tar")
