"""Where candidate poses come from."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from rooms import CAMERA, View, fresh_views, rooms

from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.localizer.proposers import own_map_network
from bpnp_ros.localizer.proposers.own_map_network import OwnMapNetwork
from bpnp_ros.localizer.proposers.views.view_bank import build_view_bank
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace, camera_orientation
from bpnp_ros.network.bpnpnet_map import BPnPNetMap
from bpnp_ros.network.counted_start import counted_network
from bpnp_ros.network.places import Places


@pytest.fixture(scope="module")
def network() -> OwnMapNetwork:
    """Its weights are counts of what the map's places see."""
    model = rooms()
    space = model.places
    counted = counted_network(model.points, space, space, CAMERA.frustum())
    return OwnMapNetwork(model, counted.eval(), seed=0)


def found(network: OwnMapNetwork, views: list[View]) -> int:
    """Views with a candidate within a decimetre and three degrees of the truth."""
    near = 0
    for view in views:
        distance, angle = apart(
            network.propose(view.frame).candidates.T_map_camera, view.recentred[0]
        )
        near += bool(((distance < 0.1) & (angle < 0.05)).any())
    return near


def test_the_network_s_views_are_candidates_where_its_matches_give_no_pose(
    network: OwnMapNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_map_network, "ransac", lambda *arguments: None)
    assert found(network, fresh_views(4, seed=31)) >= 3


def test_the_network_s_matches_are_candidates_where_its_views_are_elsewhere(
    network: OwnMapNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        own_map_network,
        "coarse_to_fine_views",
        lambda model, views, frame: Candidates.of(views.T_map_camera[:0], views.proposer[0]),
    )
    assert found(network, fresh_views(4, seed=31)) >= 1


def test_a_network_that_knows_nothing_proposes_nothing() -> None:
    model = rooms()
    untrained = BPnPNetMap(model.points, Places(model.places)).eval()
    proposer = OwnMapNetwork(model, untrained, seed=0)
    assert all(
        len(proposer.propose(view.frame).candidates) == 0 for view in fresh_views(4, seed=31)
    )


def test_where_all_views_are_searched_anyway_the_network_need_not_know() -> None:
    model = rooms()
    rows, level = slice(20), camera_orientation(torch.zeros(20, 3))
    space = model.places
    anchors, seen, chance = space.anchors[rows], space.seen[rows], space.chance[rows]
    few = ViewSpace(anchors, seen, chance, space.reach, 0.02, level)
    proposer = OwnMapNetwork(model, BPnPNetMap(model.points, Places(few)).eval(), seed=0)
    assert len(proposer.propose(fresh_views(1, seed=31)[0].frame).candidates) > 0


def test_a_place_that_sees_nothing_has_a_view_like_any_other() -> None:
    model = rooms()
    space = model.places
    chance = space.chance.clone()
    chance[0] = 0
    blind = MapModel(model.point_map, replace(space, chance=chance))
    bank = build_view_bank(blind, CAMERA.frustum(), 2000, 0.5)
    assert bank.log_ratio.isfinite().all()
