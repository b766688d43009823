"""Two poses that look alike are told apart by landmarks of one place alone, not by what hides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from followed import shown, twin_halls
from halls import CONFIG, closed, recentred, standing

from bpnp_ros.localizer.alike.counterparts import lead_by_own_landmarks
from bpnp_ros.localizer.over_time.hypotheses import LEAD
from bpnp_ros.localizer.over_time.pursuit import Pursuit
from bpnp_ros.map_model.map_model import MapModel

HERE, THERE = standing(1.5, 3, 0.1), standing(11.5, 3, 0.1)


def test_a_place_leads_by_the_landmarks_that_its_twin_has_elsewhere() -> None:
    model, points = twin_halls()
    here, there = (recentred(model, standing(x, 3, 0.1))[0] for x in (1.5, 31.5))
    frame = shown(points, standing(1.5, 3, 0.1), 0)
    lead = lead_by_own_landmarks(model, here, there, frame)
    assert lead > LEAD * Pursuit(model, CONFIG).odds
    assert lead_by_own_landmarks(model, there, here, frame) == pytest.approx(-lead)


@pytest.mark.parametrize("hidden", [0.0, 0.7])
def test_twins_are_alike_also_where_what_is_in_sight_of_one_is_guessed_wrongly(
    hidden: float,
) -> None:
    half = np.random.default_rng(3).uniform((0, 0, 0), (9, 12, 4), (150, 3))
    points = np.concatenate([half, half + np.array([10.0, 0, 0])])
    model = with_hidden(closed(points), hidden)
    here, there = (recentred(model, pose)[0] for pose in (HERE, THERE))
    frame = shown(half, HERE, 0)
    assert lead_by_own_landmarks(model, here, there, frame) == 0.0


def with_hidden(model: MapModel, share: float) -> MapModel:
    """A share of the landmarks is thought to be hidden from everywhere in the right half."""
    space = model.places
    chance = space.chance.clone()
    right, hidden = space.anchors[:, 0] > 0, torch.arange(chance.shape[1]) < share * chance.shape[1]
    chance[right[:, None] & hidden] = 0
    return MapModel(model.point_map, replace(space, chance=chance))
