"""Failures count as failures, whatever else is averaged."""

from __future__ import annotations

import math

import numpy as np

from bpnp_ros.evaluation.metrics import PoseErrors, Tolerance, pose_errors, quantiles, recall


def turned(degrees: float, x: float) -> np.ndarray:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, -s, 0, x], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])


def test_errors_are_metres_between_centres_and_degrees_between_orientations() -> None:
    truth = np.stack([turned(0, 0), turned(90, 5), turned(170, 0)])
    found = np.stack([turned(0, 0.3), turned(91, 5), turned(-170, 0)])
    errors = pose_errors(truth, found)
    np.testing.assert_allclose(errors.metres, [0.3, 0, 0], atol=1e-12)
    np.testing.assert_allclose(errors.degrees, [0, 1, 20], atol=1e-9)


def test_a_pose_that_was_not_found_is_infinitely_wrong() -> None:
    errors = pose_errors(np.stack([np.eye(4)] * 2), np.stack([np.eye(4), np.full((4, 4), np.nan)]))
    assert errors.metres.tolist() == [0, math.inf]
    assert errors.degrees.tolist() == [0, math.inf]
    assert recall(errors, Tolerance(5, 10)) == 0.5


def test_recall_asks_for_both_position_and_orientation() -> None:
    errors = PoseErrors(np.array([0.1, 0.3, 0.1, 0.25]), np.array([1.0, 1.0, 3.0, 2.0]))
    assert errors.within(Tolerance(0.25, 2)).tolist() == [True, False, False, True]
    assert recall(errors, Tolerance(0.25, 2)) == 0.5
    assert math.isnan(recall(errors[np.zeros(4, bool)], Tolerance(0.25, 2)))


def test_quartiles_put_failures_last() -> None:
    assert quantiles(np.array([3.0, math.inf, 1.0, 2.0, math.inf])) == (2.0, 3.0, math.inf)
    assert math.isnan(quantiles(np.zeros(0), [0.5])[0])
