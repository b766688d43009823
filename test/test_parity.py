"""The core agrees with the reference implementation, in float64, on vectors it produced.

BPNP_PARITY_VECTORS names another file of the same format, to be used instead of data/parity.npz.
"""

from __future__ import annotations

import os
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bpnp_ros.network.bpnpnet import BPnPNet, Matching
from bpnp_ros.optimal_transport.sinkhorn import sinkhorn

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def v() -> dict[str, Tensor]:
    path = os.environ.get("BPNP_PARITY_VECTORS") or DATA / "parity.npz"
    with np.load(path, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


@pytest.fixture(scope="module")
def matching(v: dict[str, Tensor]) -> Matching:
    network = BPnPNet().double().eval()
    fill_weights(network, seed=int(v["seed"]))
    counts = v["net_num_points_2d"], v["net_num_points_3d"]
    with torch.no_grad():
        result: Matching = network(v["net_p2d"], v["net_p3d"], *counts)
    return result


def fill_weights(network: nn.Module, seed: int) -> None:
    """Give every weight the value that the vectors of `seed` were made with."""
    for key, tensor in network.state_dict().items():
        if not tensor.is_floating_point():
            continue
        rng = np.random.default_rng(zlib.crc32(f"{seed}:{key}".encode()))
        values = torch.from_numpy(rng.standard_normal(tuple(tensor.shape)))
        if "running_var" in key:
            values = 0.5 + values.abs()
        elif tensor.dim() >= 2:
            values = values / tensor.shape[1] ** 0.5
        else:
            values = 0.1 * values
        tensor.copy_(values)


@cache
def reference_shapes() -> dict[str, str]:
    lines = (DATA / "state_dict_keys.txt").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)


def assert_equal(actual: Tensor, expected: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance)


def test_sinkhorn_gives_the_plan_of_the_reference(v: dict[str, Tensor]) -> None:
    P = sinkhorn(v["sinkhorn_M"], v["sinkhorn_r"], v["sinkhorn_c"])
    assert_equal(P, v["sinkhorn_P"], 1e-8)


def test_sinkhorn_gives_the_gradient_of_the_reference(v: dict[str, Tensor]) -> None:
    M = v["sinkhorn_M"].clone().requires_grad_()
    P = sinkhorn(M, v["sinkhorn_r"], v["sinkhorn_c"])
    (gradient,) = torch.autograd.grad(P, M, v["sinkhorn_grad_P"])
    assert_equal(gradient, v["sinkhorn_grad_M"], 1e-8)


def test_the_network_has_the_weights_of_the_reference() -> None:
    network = BPnPNet()
    shapes = {key: str(tuple(value.shape)) for key, value in network.state_dict().items()}
    assert shapes == reference_shapes()
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_992_841


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("alignment", "net_stn"),
        ("features_2d", "net_features_2d"),
        ("features_3d", "net_features_3d"),
        ("distance", "net_distance"),
        ("P", "net_P"),
    ],
)
def test_the_network_computes_what_the_reference_does(
    v: dict[str, Tensor], matching: Matching, ours: str, theirs: str
) -> None:
    assert_equal(getattr(matching, ours), v[theirs], 1e-8)
