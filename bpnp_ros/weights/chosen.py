"""The weights that somebody names: trained for one map, for any map, or one file of each."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch

from bpnp_ros.errors import WeightsError
from bpnp_ros.network.matching import MatchingNetwork
from bpnp_ros.weights.bpnpnet_file import VARIANTS, is_reference, load_bpnpnet
from bpnp_ros.weights.bundle import MapBundle
from bpnp_ros.weights.safetensors_file import read_header


class ChosenWeights(NamedTuple):
    """bundle: for one map, with its points. any_map: BPnPNet on a device."""

    bundle: MapBundle | None = None
    any_map: MatchingNetwork | None = None


def load_chosen(paths: str, device: torch.device) -> ChosenWeights:
    """Weights of one file, or of one of each kind with a comma between; none for "".

    Raises WeightsError, also for two files of a kind.
    """
    chosen = ChosenWeights()
    for path in _split(paths):
        if is_reference(path) or read_header(path).architecture in VARIANTS:
            another, kind = chosen.any_map is not None, "for any map"
            chosen = chosen._replace(any_map=load_bpnpnet(path).to(device))
        else:
            another, kind = chosen.bundle is not None, "trained for one map"
            chosen = chosen._replace(bundle=MapBundle.load(path, device))
        if another:
            raise WeightsError(f"{paths} are two files of weights {kind}; name one of them.")
    return chosen


def _split(paths: str) -> list[Path]:
    """A file's own name may have a comma."""
    words = [paths] if Path(paths).is_file() else paths.split(",")
    return [Path(word.strip()) for word in words if word.strip()]
