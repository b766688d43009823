"""How far off answers to blind PnP problems are."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from orbit import orbit

from bpnp_ros.benchmark.metrics import (
    NOT_FOUND,
    AnswerErrors,
    Figures,
    answer_errors,
    area_under_curve,
)
from bpnp_ros.benchmark.sets import BlindPnpSets, Sightings, retrieved_sets
from bpnp_ros.geometry.rotation import so3_exp


@pytest.fixture(scope="module")
def sets() -> BlindPnpSets:
    scene = orbit(images=6)
    points = Sightings.of(scene).seen_by(3)
    return retrieved_sets(scene, 2, points, 0.5, np.random.default_rng(0))


def off(sets: BlindPnpSets, depths: float, degrees: float) -> np.ndarray:
    """The true pose, moved sideways and turned about the optical axis."""
    pose = sets.T_map_camera.copy()
    pose[:3, 3] += depths * sets.depth * pose[:3, 0]
    turn = torch.tensor([0.0, 0.0, math.radians(degrees)], dtype=torch.float64)
    pose[:3, :3] = pose[:3, :3] @ so3_exp(turn).numpy()
    return pose


def test_the_truth_is_right_and_errs_by_the_keypoints_own_noise(sets: BlindPnpSets) -> None:
    errors = answer_errors(sets, sets.T_map_camera)
    assert errors.right and errors.depths == 0 and errors.degrees < 1e-5
    assert 0.3 < errors.pixels < 1.0  # the scene's noise has a standard deviation of 0.5


@pytest.mark.parametrize(
    ("depths", "degrees", "right"),
    [(0.049, 4.9, True), (0.051, 0.0, False), (0.0, 5.1, False)],
)
def test_right_is_within_a_twentieth_of_the_depth_and_five_degrees(
    sets: BlindPnpSets, depths: float, degrees: float, right: bool
) -> None:
    errors = answer_errors(sets, off(sets, depths, degrees))
    assert (errors.depths, errors.degrees) == pytest.approx((depths, degrees), abs=1e-5)
    assert errors.right == right


def test_a_scene_of_another_unit_gives_the_same_errors(sets: BlindPnpSets) -> None:
    pose, large = off(sets, 0.03, 2.0), sets.T_map_camera.copy()
    large[:3, 3] *= 50
    scaled = replace(sets, points=50 * sets.points, T_map_camera=large, depth=50 * sets.depth)
    moved = off(scaled, 0.03, 2.0)
    expected, errors = answer_errors(sets, pose), answer_errors(scaled, moved)
    assert (errors.depths, errors.pixels) == pytest.approx((expected.depths, expected.pixels))


def test_only_true_pairs_count_for_the_reprojection_error(sets: BlindPnpSets) -> None:
    lone = np.setdiff1d(np.arange(len(sets.points)), sets.pairs[1])
    points = sets.points.copy()
    points[lone] = 1e6
    astray = replace(sets, points=points)
    pose = off(sets, 0.01, 1.0)
    assert answer_errors(astray, pose).pixels == answer_errors(sets, pose).pixels


def test_a_pose_that_looks_away_has_an_infinite_reprojection_error(sets: BlindPnpSets) -> None:
    away = sets.T_map_camera.copy()
    away[:3, [0, 2]] *= -1
    errors = answer_errors(sets, away)
    assert errors.pixels == math.inf and errors.degrees == pytest.approx(180)


@pytest.mark.parametrize("answer", [None, np.full((4, 4), np.nan)])
def test_no_answer_is_infinitely_wrong(sets: BlindPnpSets, answer: np.ndarray | None) -> None:
    assert answer_errors(sets, answer) == NOT_FOUND
    assert not NOT_FOUND.right


def test_the_area_under_the_curve_is_that_of_the_steps_of_recall() -> None:
    errors = np.array([0.0, 2.5, 7.0, np.inf])
    thresholds = np.linspace(0, 5, 100_001)
    steps = (errors[:, None] <= thresholds).mean(axis=0)
    assert area_under_curve(errors, 5.0) == pytest.approx(steps.mean(), abs=1e-4)


def test_failures_count_in_every_figure() -> None:
    good = AnswerErrors(0.01, 1.0, 0.5)
    figures = Figures.of([good, NOT_FOUND, NOT_FOUND])
    assert figures.recall == pytest.approx(1 / 3)
    assert figures.auc == pytest.approx((1 / 6, 0.3, 0.95 / 3))
    assert figures.depths == figures.degrees == figures.pixels == math.inf
    assert Figures.of([good, good, NOT_FOUND]).degrees == 1.0
