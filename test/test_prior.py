"""A prior is believed as far as its covariance says, and no further."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from halls import CONFIG, closed_hall, frame_at, landmarks, open_hall, standing
from landmarks import CAMERA, report

from bpnp_ros.geometry.rotation import so3_log
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.proposers import around_prior
from bpnp_ros.localizer.types import Fix, Rejection
from bpnp_ros.map_model.map_model import MapModel

HERE = standing(10, 6, 0.4)


def answer(guess: np.ndarray, metres: float, radians: float) -> Fix | Rejection:
    """To a frame taken from HERE, the guess being so uncertain."""
    localizer = Localizer(closed_hall(), None, CONFIG)
    variances = [metres**2, metres**2, 0.02**2, 0.02**2, 0.02**2, radians**2]
    pixels = report(landmarks(), HERE, np.random.default_rng(0))
    return localizer.localize(pixels, CAMERA, prior=PosePrior(guess, np.diag(variances)))


@pytest.mark.parametrize(
    "guess", [standing(12, 6.5, 0.4), standing(10, 6, 1.2), standing(9, 4.5, 0.0)]
)
def test_a_wide_prior_is_searched_as_far_as_it_reaches(guess: np.ndarray) -> None:
    found = answer(guess, metres=1.5, radians=0.6)
    assert isinstance(found, Fix)
    assert np.abs(found.T_map_camera - HERE).max() < 0.05


def test_a_prior_that_is_right_is_not_lost_by_coarse_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among many points they may lead away from it."""
    away = torch.eye(4)
    away[:3, 3] = torch.tensor([5.0, 0.0, 3.0])
    lead_away = lambda model, candidates, frame: candidates.at(candidates.T_map_camera @ away)  # noqa: E731
    monkeypatch.setattr(around_prior, "coarse_to_fine_views", lead_away)
    found = answer(HERE, metres=0.05, radians=0.02)
    assert isinstance(found, Fix) and np.abs(found.T_map_camera - HERE).max() < 0.05


@pytest.mark.parametrize("guess", [standing(15, 3, 0.4), standing(10, 6, 2.0)])
def test_a_narrow_prior_keeps_the_search_where_it_is(guess: np.ndarray) -> None:
    assert isinstance(answer(guess, metres=0.05, radians=0.02), Rejection)


@pytest.mark.parametrize(("model", "worth_it"), [(open_hall(), False), (closed_hall(), True)])
def test_among_few_landmarks_a_prior_is_not_searched_at_length(
    model: MapModel, worth_it: bool
) -> None:
    frame = frame_at(HERE, np.random.default_rng(0))
    proposal = around_prior.propose_around(model, PosePrior(HERE, np.eye(6) / 400), frame, 0)
    assert (proposal.starts is not None) is worth_it


def test_poses_are_drawn_with_the_prior_s_covariance_about_the_map_s_axes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        around_prior, "coarse_to_fine_views", lambda model, candidates, frame: candidates
    )
    monkeypatch.setattr(around_prior, "keep_best", lambda model, drawn, *_: drawn.select(slice(0)))
    monkeypatch.setattr(around_prior, "PRIOR_SAMPLES", 20_000)
    A = np.random.default_rng(1).normal(size=(6, 6)) * ([[0.3]] * 3 + [[0.05]] * 3)
    prior, model = PosePrior(HERE, A @ A.T), closed_hall()
    like = type("Frame", (), {"xy": torch.zeros(1, 2, dtype=torch.float64)})
    drawn = around_prior.propose_around(model, prior, like, 0)  # type: ignore[arg-type]
    poses = drawn.candidates.T_map_camera
    position = poses[:, :3, 3].numpy() + model.point_map.origin - HERE[:3, 3]
    turn = so3_log(poses[:, :3, :3] @ torch.from_numpy(HERE[:3, :3].T)).numpy()
    found = np.cov(np.hstack([position, turn]).T)
    white = np.linalg.inv(np.linalg.cholesky(prior.covariance))
    assert np.abs(white @ found @ white.T - np.eye(6)).max() < 0.1
    assert np.abs(position[0]).max() < 1e-5 and np.abs(turn[0]).max() < 1e-5
