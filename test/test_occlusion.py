"""Walls that points lie on hide what is behind them; openings, and maps without walls, do not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from bpnp_ros.map_model.occlusion import in_sight
from bpnp_ros.map_model.occlusion.in_sight import InSight
from bpnp_ros.map_model.occlusion.planes import Plane, Planes, Rows
from bpnp_ros.map_model.occlusion.surfaces import solid_surfaces, spacing_of
from bpnp_ros.simulation.camera_path import make_camera_path
from bpnp_ros.simulation.world import make_world

Array = NDArray[np.float64]

KILO = np.float32(1024)
ROOM = np.array([6.0, 4.0, 2.7])


def room(rng: np.random.Generator, count: int = 600, x: float = 0.0) -> Array:
    """Random points on the six faces of a room from (x, 0, 0) on, of the size ROOM."""
    points = rng.uniform(0, ROOM, (count, 3))
    face = rng.integers(6, size=count)
    points[np.arange(count), face % 3] = np.where(face < 3, 0.0, ROOM[face % 3])
    points[:, 0] += x
    return points


def two_rooms(seed: int = 0, count: int = 600) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Beside each other at x = 6, where a door of 1.4 m, 2.1 m high, is open; and which of the
    points are those of the second room."""
    rng = np.random.default_rng(seed)
    first, second = room(rng, count), room(rng, count, ROOM[0] + 0.15)
    points = np.concatenate([first, second])
    in_door = (
        (np.abs(points[:, 0] - ROOM[0] - 0.075) < 0.2)
        & (np.abs(points[:, 1] - 2.0) < 0.7)
        & (points[:, 2] < 2.1)
    )
    is_second = np.arange(len(points)) >= len(first)
    return points[~in_door].astype(np.float32), is_second[~in_door]


def test_a_wall_hides_what_is_behind_it_but_not_what_lies_on_it() -> None:
    points, is_second = two_rooms()
    behind = is_second & (points[:, 0] > 7)
    seen = InSight(points)(np.array([[5.2, 0.5, 1.5]], np.float32))[0]
    assert seen[behind].mean() < 0.1
    assert seen[~is_second].mean() > 0.8


def test_a_door_shows_the_next_room_where_points_are_denser_than_a_door_is_wide() -> None:
    points, is_second = two_rooms(count=1400)
    straight_ahead = is_second & (points[:, 0] > 12) & (np.abs(points[:, 1] - 2) < 0.6)
    straight_ahead &= np.abs(points[:, 2] - 1.4) < 0.4
    seen = InSight(points)(np.array([[5.0, 2.0, 1.4]], np.float32))[0]
    assert straight_ahead.sum() >= 2
    assert seen[straight_ahead].mean() > 0.6


def test_what_is_in_sight_does_not_depend_on_the_unit() -> None:
    points, _ = two_rooms()
    place = np.array([[2.0, 1.0, 1.5]], np.float32)
    seen = InSight(points)(place)
    in_kilometres = InSight(points / KILO)(place / KILO)
    np.testing.assert_array_equal(seen, in_kilometres)


def test_points_that_lie_in_no_plane_make_no_surface() -> None:
    rng = np.random.default_rng(1)
    _, triangles = solid_surfaces(rng.normal(size=(800, 3)))
    assert len(triangles) == 0


def test_a_pole_makes_no_plane() -> None:
    """Whatever plane holds the pole, its points lie in it."""
    pole = np.outer(np.linspace(0, 3, 60), [0.2, 0.1, 1.0])
    assert list(Planes(pole, 0.02)) == []


def test_the_walls_of_a_room_are_found_in_noise() -> None:
    rng = np.random.default_rng(2)
    points = room(rng) + rng.normal(scale=0.004, size=(600, 3))
    planes = [plane for plane, _ in _all(Planes(points, 0.06 * spacing_of(points)))]
    normals = np.abs([plane.normal for plane in planes])
    assert {int(normal.argmax()) for normal in normals} == {0, 1, 2}
    assert (normals.max(axis=1) > 0.99).mean() > 0.8


def _all(planes: Planes) -> Iterator[tuple[Plane, Rows]]:
    for plane, rows in planes:
        planes.use(rows)
        yield plane, rows


def test_a_map_of_places_far_apart_takes_no_more_memory_than_they_do() -> None:
    rng = np.random.default_rng(3)
    points = np.concatenate([room(rng), room(rng, x=1e4)])
    vertices, _ = solid_surfaces(points)
    assert 0 < len(vertices) < 20_000


@pytest.mark.parametrize("seed", [11, 12])
def test_walls_tell_more_than_hidden_point_removal_alone(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(seed)
    points = world.landmarks.astype(np.float32)
    path = make_camera_path(world.plan, seed=seed, duration=60, kidnaps=0).T_map_camera
    places = path[:: len(path) // 20, :3, 3]
    truth = np.array([world.visible(place, np.arange(len(points))) for place in places])
    with_walls = _agreement(InSight(points)(places.astype(np.float32)), truth)
    empty = np.zeros((0, 3)), np.zeros((0, 3), np.uint32)
    monkeypatch.setattr(in_sight, "solid_surfaces", lambda points: empty)
    without = _agreement(InSight(points)(places.astype(np.float32)), truth)
    assert with_walls > 0.6
    assert with_walls > without + 0.1


def _agreement(seen: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Points seen by both over points seen by either, the mean over places."""
    return float(((seen & truth).sum(axis=1) / (seen | truth).sum(axis=1)).mean())
