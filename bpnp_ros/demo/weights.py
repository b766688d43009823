"""Which weights the demo gives to the node."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import torch

from bpnp_ros.errors import WeightsError
from bpnp_ros.network.bpnpnet_map import BPnPNetMap
from bpnp_ros.weights.bundle import MapBundle


def demo_bundle() -> Path:
    """The bundle of the demo's world that comes with the package. Raises WeightsError."""
    path = Path(str(files("bpnp_ros") / "data" / "demo_bundle.safetensors"))
    if not path.exists():
        raise WeightsError(f"{path} is missing; train it (docs/training.md), or give --weights.")
    return path


def write_random_bundle(trained: Path, path: Path) -> Path:
    """A bundle of the same map with an untrained network. Raises WeightsError."""
    bundle = MapBundle.load(trained)
    if bundle.network is None:
        raise WeightsError(f"{trained} holds no network, so none can be made random.")
    replace(random_weights(bundle), card={"weights": "random"}).save(path)
    return path


def random_weights(bundle: MapBundle) -> MapBundle:
    """The same map, its network as it was before the first step of training."""
    assert bundle.network is not None
    torch.manual_seed(0)
    fresh = BPnPNetMap(bundle.model.points, bundle.network.places, bundle.network.size)
    return replace(bundle, network=fresh.eval())
