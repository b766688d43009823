"""BPnPNet out of a file of weights."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from torch import Tensor

from bpnp_ros.errors import WeightsError
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.weights.reference_checkpoint import ARCHITECTURE, load_reference_checkpoint
from bpnp_ros.weights.safetensors_file import load_weights


def any_map_weights() -> Path:
    """BPnPNet for any map, which comes with the package; its header is its model card."""
    return Path(str(files("bpnp_ros") / "data" / "any_map.safetensors"))


def load_bpnpnet(path: Path) -> BPnPNet:
    """Weights as ours (.safetensors) or as the reference's (.pth.tar). Raises WeightsError."""
    if is_reference(path):
        state = load_reference_checkpoint(path).state_dict
    else:
        state, _ = load_weights(path, ARCHITECTURE)
    return filled_bpnpnet(state, path).eval()


def filled_bpnpnet(weights: dict[str, Tensor], path: Path, bf16: bool = False) -> BPnPNet:
    """The network that the weights of `path` are of. Raises WeightsError for those of another."""
    try:
        return BPnPNet.from_weights(weights, bf16)
    except RuntimeError as error:
        raise WeightsError(f"{path} does not hold the weights of a BPnPNet ({error}).") from error


def is_reference(path: Path) -> bool:
    return path.name.endswith(".pth.tar")
