"""The covariance of a fix is that of its errors, in the map's axes; neither vanity nor alarm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from halls import (
    CONFIG,
    closed_hall,
    frame_at,
    judged,
    noiseless_floor,
    open_hall,
    standing,
)

from bpnp_ros.geometry.rotation import so3_log
from bpnp_ros.localizer.evidence.covariance import (
    occam_nats,
    pose_covariance,
    with_near_modes,
)
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.map_model import MapModel

MAPS = pytest.mark.parametrize("model", [open_hall(), closed_hall()], ids=["open", "closed"])


def error(fix: Fix, truth: np.ndarray) -> np.ndarray:
    """(6,) position in the map and rotation about its axes."""
    turn = torch.from_numpy(fix.T_map_camera[:3, :3] @ truth[:3, :3].T)
    return np.concatenate([fix.T_map_camera[:3, 3] - truth[:3, 3], so3_log(turn).numpy()])


def fixes(model: MapModel, truth: np.ndarray, count: int) -> list[Fix]:
    """Of frames that differ by their noise alone."""
    rng, found = np.random.default_rng(1), list[Fix]()
    while len(found) < count:
        answer = judged(model, [truth], frame_at(truth, rng), noiseless_floor())
        assert isinstance(answer, Fix)
        found.append(answer)
    return found


@MAPS
@pytest.mark.parametrize("yaw", [0.4, 2.2])
def test_errors_are_as_large_as_the_covariance_says_in_every_direction(
    model: MapModel, yaw: float
) -> None:
    truth = standing(10, 6, yaw)
    found = fixes(model, truth, 60)
    stated = np.mean([fix.covariance for fix in found], axis=0)
    white = np.linalg.inv(np.linalg.cholesky(stated))
    errors = np.stack([white @ error(fix, truth) for fix in found])
    variances = np.linalg.eigvalsh(errors.T @ errors / len(found))
    assert variances.min() > 0.3 and variances.max() < 2.5  # 0.47 to 1.73 by chance alone


@MAPS
def test_a_covariance_is_never_below_its_floor(model: MapModel) -> None:
    truth = standing(10, 6, 0.4)
    config = replace(CONFIG, sigma_position_floor=0.2 / model.depth, sigma_angle_floor=0.03)
    answer = judged(model, [truth], frame_at(truth, np.random.default_rng(3)), config)
    assert isinstance(answer, Fix)
    assert np.linalg.eigvalsh(answer.covariance[:3, :3]).min() >= 0.2**2 - 1e-9
    assert np.linalg.eigvalsh(answer.covariance[3:, 3:]).min() >= 0.03**2 - 1e-9


def test_what_a_pose_owes_is_how_far_the_frame_narrows_it_down() -> None:
    known = np.diag([4.0, 9, 16, 25, 36, 49]) * 1e6
    before = np.full(6, 0.5)
    narrowed = np.log(0.5 * np.sqrt(np.diag(known))).sum()  # sigma before over sigma after
    assert occam_nats(known, before) == pytest.approx(narrowed, rel=1e-4)
    assert occam_nats(np.zeros((6, 6)), before) == 0


def test_what_is_not_known_shows_as_a_large_axis_and_never_as_a_negative_variance() -> None:
    """As beside a straight row of lights: the information has no full rank, or less than none."""
    model = open_hall()
    for worst in (1e-3, 0.0, -380.0):
        known = np.diag([1e6, 1e6, 1e6, 1e6, 1e6, worst])
        covariance = pose_covariance(model, known, CONFIG)
        assert np.linalg.eigvalsh(covariance).min() > 0
        assert np.sqrt(covariance[5, 5]) > 10 * CONFIG.max_sigma_angle


def test_a_second_pose_nearby_that_explains_as_much_is_in_the_covariance() -> None:
    narrow, beside = 1e-4 * np.eye(6), np.array([[0.4, 0, 0, 0, 0, 0]])
    tie, clear = (with_near_modes(narrow, beside, np.array([lost])) for lost in (0.0, 20.0))
    assert np.sqrt(tie[0, 0]) == pytest.approx(0.4 / 2**0.5, rel=0.01)
    assert np.allclose(clear, narrow, rtol=1e-3, atol=1e-9)
    itself = with_near_modes(narrow, np.array([[0.01, 0, 0, 0, 0, 0]]), np.zeros(1))
    assert np.array_equal(itself, narrow)


def test_the_covariance_scale_is_a_factor() -> None:
    known = 1e4 * np.eye(6)
    one, four = (
        pose_covariance(open_hall(), known, replace(CONFIG, covariance_scale=scale))
        for scale in (1.0, 4.0)
    )
    assert np.allclose(four, 4 * one)
