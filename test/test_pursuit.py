"""Which of the places that a lost camera may be in are carried on."""

from __future__ import annotations

import pytest
import torch
from halls import CONFIG, closed_hall, open_hall

from bpnp_ros.localizer.over_time.places import Places
from bpnp_ros.localizer.over_time.pursuit import HOPELESS, Pursuit
from bpnp_ros.map_model.map_model import MapModel


def places(now: list[float]) -> Places:
    """Places metres apart that one view before explains alike."""
    poses = torch.eye(4).repeat(len(now), 1, 1)
    poses[:, 0, 3] = 5.0 * torch.arange(len(now))
    return Places(poses, torch.tensor(now), torch.full((len(now), 1), 14.0))


@pytest.mark.parametrize(
    ("model", "left"),
    [(closed_hall(), [300.0, 200.0]), (open_hall(), [300.0])],
    ids=["closed", "open"],
)
def test_where_points_hide_others_one_view_does_not_end_a_place(
    model: MapModel, left: list[float]
) -> None:
    """What is in sight is guessed there, and may be guessed badly from one pose."""
    pursuit = Pursuit(model, CONFIG)
    assert pursuit.merged(places([200.0, 300.0, 100.0])).now.tolist() == left


def test_a_place_far_behind_in_nats_is_left_out_even_where_points_hide_others() -> None:
    pursuit = Pursuit(closed_hall(), CONFIG)
    hopeless = 0.6 * 300.0 - HOPELESS * pursuit.odds
    left = pursuit.merged(places([300.0, hopeless - 1, hopeless + 1])).now.tolist()
    assert left == pytest.approx([300.0, hopeless + 1])
