"""A map's extent and its unit are nothing special: places and points go by area and by depth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.errors import MapError
from bpnp_ros.map_model import from_points
from bpnp_ros.map_model.from_points import model_from_points
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.simulation.boxes import Array

CPU = torch.device("cpu")
CONFIG = LocalizerConfig(most_points=600)


def hall(length: float, points_a_metre: int = 60) -> Array:
    """(N, 3) points of the long walls of a hall 6 m wide, with walls across every 6 m; metres."""
    rng = np.random.default_rng(0)
    points = rng.uniform([0, 0, 0], [length, 6, 3], (round(points_a_metre * length), 3))
    along, across = points[::2], points[1::2]
    along[:, 1] = np.where(along[:, 1] > 3, 6, 0)
    across[:, 0] = 6 * np.round(across[:, 0] / 6)
    return points


def model(points: Array) -> MapModel:
    return model_from_points(points, CONFIG, CPU)


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_a_world_in_another_size_has_the_same_places(scale: float) -> None:
    plain, scaled = model(hall(12.0)), model(scale * hall(12.0))
    ours, theirs = plain.places, scaled.places
    assert len(scaled.points) == pytest.approx(len(plain.points), rel=0.02)
    assert len(theirs.anchors) == pytest.approx(len(ours.anchors), rel=0.1)
    assert scaled.depth == pytest.approx(scale * plain.depth, rel=0.1)
    torch.testing.assert_close(theirs.reach / scale, ours.reach, rtol=0.1, atol=0)


def test_a_longer_map_has_more_places_and_points_and_sees_no_more_from_each() -> None:
    short, long = model(hall(24.0)), model(hall(96.0))
    assert len(long.points) > 2.5 * len(short.points)
    assert len(long.places.anchors) > 2.5 * len(short.places.anchors)
    assert long.places.seen.shape[1] < 2 * short.places.seen.shape[1]
    assert long.views_stored(1000) >= short.views_stored(1000)


def test_a_map_is_looked_around_in_once_and_not_at_every_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BPNP_ROS_CACHE", str(tmp_path))
    first = model(hall(12.0)).places
    monkeypatch.setattr(from_points, "coarse_view_space", None)
    again = model(hall(12.0)).places
    assert torch.equal(first.seen, again.seen) and torch.equal(first.anchors, again.anchors)
    with pytest.raises(TypeError):  # another map, which is not known yet
        model(hall(18.0))


def test_a_map_too_large_is_refused_with_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_points, "MOST_PLACES", 20)
    with pytest.raises(MapError, match=r"24 x 6 m.* places .* 20 at most"):
        model(hall(24.0))


def test_what_poses_see_is_looked_up_in_parts_of_bounded_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = model(hall(12.0)).places
    poses, _ = space.sample(50, torch.Generator().manual_seed(0))
    whole = space.seen_from(poses)
    monkeypatch.setattr("bpnp_ros.geometry.cells._DISTANCES_AT_ONCE", 3 * len(space.anchors))
    for part, full in zip(space.seen_from(poses), whole, strict=True):
        assert torch.equal(part, full)


@pytest.mark.parametrize(("highest", "high"), [(36.0, 36.0), (1000.0, 24.0)])
def test_places_are_at_the_heights_that_are_told_however_far_above_the_map(
    highest: float, high: float
) -> None:
    """As of a drone over a field: nothing in the map is as high as it flies."""
    field = np.random.default_rng(0).uniform(0, [40, 40, 2], (1500, 3))
    told = replace(CONFIG, camera_mounting="down", camera_height_min=24.0)
    found = model_from_points(field, replace(told, camera_height_max=highest), CPU)
    height = found.places.anchors[:, 2] + float(found.point_map.origin[2])
    assert float(height.min()) > 23.9 and float(height.max()) < high + 0.1
    assert found.depth > 20


@pytest.mark.parametrize("up", ["z", "-y"])
def test_what_grows_on_a_wall_hides_nothing_from_a_camera_beside_it(up: str) -> None:
    wall = np.random.default_rng(0).normal(0, [10, 0.15, 0.8], (900, 3))
    aisle = np.concatenate([wall, wall + np.array([0, 1.6, 0])])
    turned = wall if up == "z" else wall[:, [0, 2, 1]] * [1, -1, 1]
    told = LocalizerConfig(motion="level", up=up)
    assert model_from_points(turned, told, CPU).is_open
    assert not model_from_points(aisle, LocalizerConfig(motion="level"), CPU).is_open
