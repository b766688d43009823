"""What a map loses when it is cleaned and thinned, and which maps are refused."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from bpnp_ros.errors import ConfigError, MapError
from bpnp_ros.point_map.cleaning import clean_map, thin_to_count, thin_to_voxels
from bpnp_ros.point_map.point_map import PointMap

POINTS = np.random.default_rng(0).uniform(0, 10, (2000, 3))


def test_points_that_are_not_finite_and_duplicates_go_and_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad = np.array([[np.nan, 0, 0], [0, np.inf, 0], POINTS[3], POINTS[3], POINTS[7]])
    with caplog.at_level(logging.WARNING):
        point_map = clean_map(np.vstack([POINTS, bad]))
    np.testing.assert_allclose(point_map.points + point_map.origin, POINTS, atol=1e-5)
    assert "of 2005 map points 2 are not finite and 3 are duplicates" in caplog.text


def test_a_clean_map_is_not_complained_about(caplog: pytest.LogCaptureFixture) -> None:
    clean_map(POINTS)
    assert caplog.text == ""


def test_of_equal_points_the_most_detectable_stays() -> None:
    chance = np.concatenate([np.full(2000, 0.2), np.full(2000, 0.7)])
    point_map = clean_map(np.vstack([POINTS, POINTS]), chance)
    assert len(point_map) == 2000
    np.testing.assert_allclose(point_map.detectability, 0.7)


@pytest.mark.parametrize(
    ("points", "complaint"),
    [
        (np.zeros((0, 3)), "0 usable points"),
        (POINTS[:3], "3 usable points"),
        (np.full((100, 3), 7.0), "1 usable points"),
        (np.full((100, 3), np.nan), "0 usable points"),
        (POINTS * 1e-11 + 5e6, "one spot|usable points"),
        (np.outer(np.arange(50.0), [1, 2, 3]), "on one line"),
        (np.outer(np.arange(50.0), [1, 2, 3]) + 1e-4 * POINTS[:50], "on one line"),
        (np.vstack([POINTS, [[1e200, 0, 0]]]), r"up to 1e\+200 m"),
        (POINTS[:, :2], r"shape \(N, 3\)"),
    ],
    ids=["empty", "three", "one point", "NaN", "one spot", "line", "noisy line", "too far", "2D"],
)
def test_a_map_that_no_camera_could_be_found_in_is_refused(
    points: np.ndarray, complaint: str
) -> None:
    with pytest.raises(MapError, match=complaint):
        clean_map(points)


def test_a_plane_is_a_map() -> None:
    assert len(clean_map(POINTS * [1, 1, 0])) == 2000


def test_coordinates_that_were_stored_too_coarsely_are_pointed_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clean_map((POINTS + 5e6).astype(np.float32))
    assert "in steps of 0.5 m" in caplog.text


@pytest.mark.parametrize("most", [4, 100, 1999])
def test_a_thinned_map_has_at_most_so_many_points_and_little_less(most: int) -> None:
    thinned = thin_to_count(clean_map(POINTS), most)
    assert 0.7 * most <= len(thinned) <= most


def test_among_very_many_points_only_those_that_are_equal_count_as_equal() -> None:
    """Positions are told apart by one number each first, which different ones may share."""
    rng = np.random.default_rng(3)
    grid = rng.integers(0, 9, (5000, 3)).astype(np.float64)
    grid[::2, 0] += np.sqrt(2) * grid[::2, 1]  # moves along what that number does not see
    grid[::2, 1] = 0
    chance = rng.uniform(0.1, 1, 5000).astype(np.float32)
    point_map = clean_map(grid, chance)
    distinct, row = np.unique(grid, axis=0, return_inverse=True)
    best = np.zeros(len(distinct), np.float32)
    np.maximum.at(best, row.reshape(-1), chance)
    assert len(point_map) == len(distinct)
    assert np.array_equal(np.sort(point_map.detectability), np.sort(best))


@pytest.mark.parametrize("most", [50, 400])
def test_very_many_points_are_thinned_as_evenly_as_few(most: int) -> None:
    points = np.random.default_rng(2).uniform(0, [20, 10, 3], (40 * most, 3))
    thinned = thin_to_count(clean_map(points), most)
    assert 0.7 * most <= len(thinned) <= most
    halves = [(thinned.points[:, axis] > 0).mean() for axis in range(3)]
    assert np.abs(np.array(halves) - 0.5).max() < 0.12


def test_a_small_map_is_not_thinned() -> None:
    point_map = clean_map(POINTS)
    assert thin_to_count(point_map, 2000) is point_map


def test_a_voxel_keeps_its_most_detectable_point_unmoved() -> None:
    chance = np.random.default_rng(1).uniform(0.1, 1, 2000).astype(np.float32)
    point_map = clean_map(POINTS, chance)
    thinned = thin_to_voxels(point_map, 2.5)
    cells = np.floor((point_map.points - point_map.points.min(axis=0)) / 2.5)
    for cell in np.unique(cells, axis=0):
        best = np.flatnonzero((cells == cell).all(axis=1))
        row = best[point_map.detectability[best].argmax()]
        assert (thinned.points == point_map.points[row]).all(axis=1).any()
    assert len(thinned) == len(np.unique(cells, axis=0))


def test_thinning_keeps_the_origin() -> None:
    point_map = clean_map(POINTS + 5e6)
    assert thin_to_voxels(point_map, 1.0).origin == pytest.approx(point_map.origin)


def test_impossible_thinning_is_refused() -> None:
    point_map: PointMap = clean_map(POINTS)
    with pytest.raises(MapError, match="too small"):
        thin_to_voxels(point_map, 1e-7)
    with pytest.raises(ConfigError, match="voxel size"):
        thin_to_voxels(point_map, 0.0)
    with pytest.raises(ConfigError, match="at least 4"):
        thin_to_count(point_map, 3)
