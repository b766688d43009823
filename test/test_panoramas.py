"""Which places and headings a frame may show, scored all at once by panoramas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from rooms import CAMERA, View, fresh_views, look, rooms
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.candidates import apart
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.proposers.views.panorama_bank import PanoramaBank, build_panorama_bank
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.motion import LEVEL, Motion, mounting
from bpnp_ros.map_model.view_space import camera_orientation


def are_near(bank: PanoramaBank, view: View, truth: Tensor) -> bool:
    """Of its hundred best places and headings."""
    distance, angle = apart(bank.views(view.frame)[:100], truth)
    return bool(((distance < 0.6) & (angle < 0.2)).any())


def held(model: MapModel, motion: Motion) -> MapModel:
    return MapModel(model.point_map, replace(model.places, motion=motion))


def test_of_the_best_places_some_view_is_near_the_camera() -> None:
    bank = build_panorama_bank(rooms(), CAMERA.frustum())
    views = fresh_views(12, seed=61)
    assert sum(are_near(bank, view, view.recentred[0]) for view in views) >= 11


def test_few_of_the_views_are_near_the_camera_by_chance() -> None:
    bank = build_panorama_bank(rooms(), CAMERA.frustum())
    views = fresh_views(12, seed=61)
    elsewhere = zip(views, [*views[1:], views[0]], strict=True)
    assert sum(are_near(bank, view, other.recentred[0]) for view, other in elsewhere) <= 4


def test_a_camera_that_looks_half_way_up_is_found_like_one_that_looks_ahead() -> None:
    """The same positions and headings, the camera tilted up by 30 degrees."""
    up = Motion(LEVEL, np.array([0.0, 0.0, 1.0]), mounting("0 -30 0"), 0.05)
    bank = build_panorama_bank(held(rooms(), up), CAMERA.frustum())
    rng, found = np.random.default_rng(62), 0
    for number, view in enumerate(fresh_views(8, seed=62)):
        turn = torch.tensor([[0.7 * number, 0.0, 0.0]])
        pose = view.recentred[0].clone()
        pose[:3, :3] = camera_orientation(turn, up)[0]
        in_map = pose.double().numpy()
        in_map[:3, 3] += rooms().point_map.origin
        found += are_near(bank, look(in_map, rng), pose)
    assert found >= 6


def test_a_map_whose_y_axis_points_up_has_the_same_views() -> None:
    motion = Motion(LEVEL, np.array([0.0, 1.0, 0.0]), mounting(""), rooms().places.tilt)
    R = torch.from_numpy(motion.R_map_level).float()
    model, space = rooms(), rooms().places
    turned = replace(model.point_map, points=(model.points @ R.T).numpy())
    places = replace(space, anchors=space.anchors @ R.T, reach=R.abs() @ space.reach, motion=motion)
    bank = build_panorama_bank(MapModel(turned, places), CAMERA.frustum())
    plain = build_panorama_bank(model, CAMERA.frustum())
    view, turn = fresh_views(1, seed=63)[0], make_transform(R, torch.zeros(3))
    upright, first = plain.views(view.frame)[:200], bank.views(view.frame)[:200]
    torch.testing.assert_close(first, turn @ upright, atol=0.02, rtol=0)


def test_what_a_search_will_take_is_known_before() -> None:
    few, many = (
        Localizer(rooms(), None, LocalizerConfig(bank_views=views)) for views in (2000, 2_000_000)
    )
    assert few.memory_estimate() == many.memory_estimate() > 2**28


def test_counting_says_how_far_it_is_and_can_be_ended() -> None:
    def stop(share: float) -> None:
        raise InterruptedError(share)

    with pytest.raises(InterruptedError, match=r"0\.0"):
        build_panorama_bank(rooms(), CAMERA.frustum(), progress=stop)
