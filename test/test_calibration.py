"""A focal length is known as well as calibrations are, until frames say more; poses say so."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from halls import CONFIG, closed_hall, judged, landmarks, open_hall, standing
from test_camera_check import PLACES, check_of, fit_saying, told, zoomed
from test_covariance import error

from bpnp_ros.localizer.evidence.covariance import axes_in_map
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.self_checks.calibration import Calibration, with_calibration
from bpnp_ros.localizer.self_checks.look import Look
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.map_model import MapModel

MAPS = pytest.mark.parametrize("model", [open_hall(), closed_hall()], ids=["open", "closed"])
HALF_A_PER_CENT = Calibration(0.0, 0.005)


def seen(model: MapModel, T: np.ndarray, factor: float, seed: int) -> tuple[Fix, Look]:
    """A fix, as it is before anybody thinks of the lens; and what it shows."""
    keypoints = told(zoomed(factor), T, np.random.default_rng(seed), landmarks())
    frame = Frame.of(keypoints, CONFIG.keypoint_sigma, CONFIG.clutter, torch.device("cpu"))
    fix = judged(model, [T], frame, CONFIG)
    assert isinstance(fix, Fix)
    return fix, Look.as_told(model, frame, fix)


def nees(fix: Fix, T: np.ndarray) -> float:
    off = error(fix, T)
    return float(off @ np.linalg.solve(fix.covariance, off)) / 6


@MAPS
def test_of_cameras_calibrated_to_half_a_per_cent_the_covariance_is_true(model: MapModel) -> None:
    rng, before, after = np.random.default_rng(0), [], []
    for seed in range(40):
        T = standing(*PLACES[seed % len(PLACES)])
        fix, look = seen(model, T, 1 + 0.005 * rng.normal(), seed)
        before.append(nees(fix, T))
        after.append(nees(with_calibration(model, look, fix, HALF_A_PER_CENT, CONFIG), T))
    assert np.mean(before) > 3  # alone by the keypoints
    assert 0.7 < np.mean(after) < 1.4 and np.quantile(after, 0.9) < 2


@MAPS
def test_it_widens_one_axis_along_which_a_longer_lens_moves_the_camera(model: MapModel) -> None:
    fix, look = seen(model, standing(*PLACES[0]), 1.0, 1)
    wider = with_calibration(model, look, fix, HALF_A_PER_CENT, CONFIG).covariance
    factors = np.sort(np.linalg.eigvals(np.linalg.solve(fix.covariance, wider)).real)
    assert np.allclose(factors[:5], 1, atol=1e-3) and factors[5] > 2
    added = wider - fix.covariance
    ahead = axes_in_map(look.T_map_camera)[:3, 2]
    assert ahead @ added[:3, :3] @ ahead > 0.8 * np.trace(added[:3, :3])


@MAPS
def test_a_lens_that_views_have_measured_is_taken_for_what_it_is(model: MapModel) -> None:
    """Confirmed it costs nothing; where it is known to be another, the pose is doubted by that."""
    T = standing(*PLACES[0])
    fix, look = seen(model, T, 1.0, 1)
    confirmed = with_calibration(model, look, fix, Calibration(0.0, 1e-5), CONFIG)
    assert np.allclose(confirmed.covariance, fix.covariance, rtol=0.02, atol=1e-8)
    fix, look = seen(model, T, 1.01, 1)
    measured = with_calibration(model, look, fix, Calibration(0.01, 1e-4), CONFIG)
    assert nees(fix, T) > 10 and nees(measured, T) < 2


def test_views_are_asked_once_they_say_more_than_a_calibration() -> None:
    assert check_of([]).calibration == Calibration()
    assert check_of([fit_saying(0.01, 0.0, 0.05)] * 8).calibration == Calibration()
    known = check_of([fit_saying(0.004, 0.0, 0.004)] * 8).calibration
    assert known.focal == pytest.approx(0.004, abs=1e-5) and known.sigma < 0.003


def test_a_frame_that_says_how_long_its_lens_is_narrows_it_down() -> None:
    """The second moment of the focal length's error is less than beforehand."""
    model = closed_hall()
    fix, look = seen(model, standing(*PLACES[0]), 1.0, 1)
    half, any_lens = (
        np.trace(with_calibration(model, look, fix, known, CONFIG).covariance - fix.covariance)
        for known in (HALF_A_PER_CENT, Calibration(0.0, 10.0))
    )
    assert half < any_lens < 100 * half
