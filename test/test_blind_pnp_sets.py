"""Blind PnP problems made of a structure-from-motion scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from orbit import CAMERA, orbit

from bpnp_ros.benchmark.sets import (
    BlindPnpSets,
    Sightings,
    retrieved_sets,
    whole_map_sets,
)

SCENE = orbit()
SIGHTINGS = Sightings.of(SCENE)
QUERY = 5


def retrieved(rate: float | None, most: int = 1024, seed: int = 0) -> BlindPnpSets:
    other, _ = SIGHTINGS.best_other(QUERY)
    rng = np.random.default_rng(seed)
    return retrieved_sets(SCENE, QUERY, SIGHTINGS.seen_by(other), rate, rng, most)


def worst_pair(sets: BlindPnpSets) -> float:
    """Largest distance in pixels of a keypoint from the image of the point said to be its own."""
    keypoint, point = sets.pairs
    R, centre = sets.T_map_camera[:3, :3], sets.T_map_camera[:3, 3]
    in_camera = (sets.points[point] - centre) @ R
    error = in_camera[:, :2] / in_camera[:, 2:] - sets.keypoints[keypoint]
    return float(np.linalg.norm(error, axis=1).max()) / sets.frustum.pixel


def test_the_best_other_image_is_the_one_that_shares_most_points() -> None:
    seen = [set(SIGHTINGS.seen_by(image).tolist()) for image in range(SCENE.image_count)]
    shared = [len(seen[QUERY] & other) for other in seen]
    shared[QUERY] = 0
    other, share = SIGHTINGS.best_other(QUERY)
    assert other == int(np.argmax(shared))
    assert share == pytest.approx(max(shared) / len(seen[QUERY]))


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 0.75, None])
def test_pairs_are_true_pairs_of_the_query_s_pose(rate: float | None) -> None:
    sets = retrieved(rate)
    assert len(sets.pairs[0]) >= 10
    assert worst_pair(sets) < 3
    np.testing.assert_array_equal(sets.points, SCENE.points[sets.point_row])


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 0.75])
@pytest.mark.parametrize("most", [1024, 50])
def test_both_sets_have_the_outlier_rate_that_was_asked_for(rate: float, most: int) -> None:
    sets = retrieved(rate, most)
    pairs = len(sets.pairs[0])
    assert len(sets.keypoints) == len(sets.points) <= most
    assert sets.outlier_rates == pytest.approx((rate, rate), abs=1 / pairs)


def test_matches_are_left_out_where_outliers_are_too_few() -> None:
    assert len(retrieved(0.75).pairs[0]) < len(retrieved(0.0).pairs[0])


def test_all_is_everything_that_two_images_hold() -> None:
    sets = retrieved(None)
    other, _ = SIGHTINGS.best_other(QUERY)
    assert len(sets.points) == len(SIGHTINGS.seen_by(other))
    assert len(sets.keypoints) == len(SCENE.keypoints_of(QUERY)[0])


def test_thinning_all_keeps_the_outlier_rates_of_both_sets() -> None:
    whole, thin = retrieved(None), retrieved(None, most=100)
    assert max(len(thin.keypoints), len(thin.points)) <= 100
    assert thin.outlier_rates == pytest.approx(whole.outlier_rates, abs=0.03)


def test_lone_points_and_keypoints_belong_to_nothing_in_the_other_set() -> None:
    sets = retrieved(None)
    lone_points = np.setdiff1d(sets.point_row, sets.point_row[sets.pairs[1]])
    assert not np.isin(lone_points, SIGHTINGS.seen_by(QUERY)).any()
    xy, shown = SCENE.keypoints_of(QUERY)
    row = {tuple(keypoint): point for keypoint, point in zip(xy.tolist(), shown, strict=True)}
    lone = sets.keypoints[sets.match < 0].tolist()
    assert not np.isin([row[tuple(keypoint)] for keypoint in lone], sets.point_row).any()


def test_a_second_keypoint_of_a_point_is_no_match_and_no_outlier() -> None:
    _, shown = SCENE.keypoints_of(QUERY)
    rows = slice(*SCENE.keypoint_offsets[QUERY : QUERY + 2])
    doubled = SCENE.keypoint_point.copy()
    doubled[rows][shown == -1] = shown[0]
    scene = replace(SCENE, keypoint_point=doubled)
    rng = np.random.default_rng(0)
    sets = retrieved_sets(scene, QUERY, np.unique(shown[shown >= 0]), None, rng)
    assert len(sets.keypoints) == (shown >= 0).sum()
    assert len(np.unique(sets.match)) == len(sets.match)


def test_the_same_seed_makes_the_same_problem_and_another_one_another() -> None:
    first, again, other = retrieved(0.5), retrieved(0.5), retrieved(0.5, seed=1)
    np.testing.assert_array_equal(first.match, again.match)
    np.testing.assert_array_equal(first.points, again.points)
    assert not np.array_equal(first.points, other.points)


def test_the_order_gives_nothing_away() -> None:
    keypoint, point = retrieved(0.0).pairs
    assert abs(np.corrcoef(keypoint, point)[0, 1]) < 0.3


def test_the_whole_map_is_what_other_images_saw_most_often() -> None:
    sets = whole_map_sets(SCENE, QUERY, SIGHTINGS, np.random.default_rng(0), most=60)
    observers = SCENE.with_images(np.delete(np.arange(SCENE.image_count), QUERY)).track_length
    left_out = np.setdiff1d(np.arange(len(SCENE)), sets.point_row)
    assert observers[sets.point_row].min() >= observers[left_out].max() >= 2
    assert len(sets.points) == len(sets.keypoints) == 60
    assert worst_pair(sets) < 3


def test_the_frame_of_the_image_and_its_depth_come_along() -> None:
    sets = retrieved(0.0)
    assert sets.frustum == CAMERA.frustum()
    assert sets.depth == pytest.approx(np.median(SCENE.depths_of(QUERY)))


def test_a_query_that_saw_nothing_shares_nothing() -> None:
    blind = SCENE.with_points(np.zeros(len(SCENE), bool))
    assert Sightings.of(blind).best_other(QUERY)[1] == 0.0
    sets = retrieved_sets(blind, QUERY, np.zeros(0, np.int64), 0.5, np.random.default_rng(0))
    assert len(sets.points) == 0 and len(sets.keypoints) == 0
