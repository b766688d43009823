"""The weights for any map that come with the package."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("lightning")

from bpnp_ros.benchmark.catalogue import random_bpnpnet
from bpnp_ros.network.attention import AttentionBPnPNet
from bpnp_ros.network.matching import MatchingNetwork
from bpnp_ros.weights.bpnpnet_file import any_map_weights, load_bpnpnet, load_bpnpnet_weights
from training.datasets.source import Epoch
from training.datasets.words import open_set
from training.paper.measuring import measured

SCENES = 8


def found(network: MatchingNetwork, outlier_rate: float = 0.0) -> int:
    """How many of some scenes that nothing was trained on are solved without a prior."""
    scenes = Epoch(open_set(any_map_weights().parent, "simulated", "test", outlier_rate), seed=7)
    scenes.size = SCENES
    with torch.no_grad():
        rows = list(measured(network, scenes))
    close = [r["theta0_translation"] < 0.25 and r["theta0_rotation_deg"] < 5 for r in rows]
    return int(np.sum(close))


def test_they_find_most_cameras_where_every_keypoint_has_its_point() -> None:
    assert found(load_bpnpnet(any_map_weights())) >= 0.75 * SCENES


def test_they_find_many_cameras_where_one_in_four_is_unmatched() -> None:
    assert found(load_bpnpnet(any_map_weights()), 0.25) >= 0.5 * SCENES


def test_random_weights_of_either_variant_find_none() -> None:
    torch.manual_seed(0)
    assert found(random_bpnpnet()) == found(AttentionBPnPNet().eval()) == 0


def test_their_card_tells_how_they_were_made_and_how_good_they_are() -> None:
    _, header = load_bpnpnet_weights(any_map_weights())
    card = header.training
    assert header.architecture == AttentionBPnPNet.architecture
    assert card["settings"]["dataset"] == "simulated" and card["minutes"] > 0 and card["how"]
    rates = {figures["outlier_rate"]: figures for figures in card["figures"]}
    assert rates[0.0]["samples"] >= 100 and set(rates) == {0.0, 0.25, 0.5}


def test_they_are_small_enough_to_ship() -> None:
    assert any_map_weights().stat().st_size < 10e6
