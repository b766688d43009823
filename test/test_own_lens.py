"""A first fix of a frame that was seen through another lens than CameraInfo says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from halls import CONFIG, closed_hall, landmarks, open_hall, recentred, standing
from orbit import CAMERA, orbit
from test_camera_check import PLACES, told, zoomed

from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.self_checks import checks, own_lens
from bpnp_ros.localizer.self_checks.lens_error import LensError
from bpnp_ros.localizer.self_checks.lens_fit import LensFit
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.from_photographs import model_from_photographs
from bpnp_ros.map_model.from_points import model_from_points

LOCAL = replace(CONFIG, bank_views=1000, use_bpnpnet=False)


def first_fixes(localizer: Localizer, factor: float) -> list[tuple[Fix, np.ndarray]]:
    """Of a camera whose focal length is so many times that of CameraInfo, and where it stood."""
    rng, fixes = np.random.default_rng(2), []
    for place in PLACES[:12]:
        T = standing(*place)
        keypoints = told(zoomed(factor), T, rng, landmarks())
        answer = localizer.localize(keypoints, prior=PosePrior(T, 0.01 * np.eye(6)))
        if isinstance(answer, Fix):
            fixes.append((answer, T))
    return fixes


def off_by(fix: Fix, T: np.ndarray) -> float:
    return float(np.linalg.norm(fix.T_map_camera[:3, 3] - T[:3, 3]))


@pytest.mark.parametrize("factor", [0.97, 1.03, 1.1])
def test_the_pose_is_that_through_the_lens_that_was_used(factor: float) -> None:
    """And its covariance is true."""
    fixes = first_fixes(Localizer(closed_hall(), None, LOCAL), factor)
    assert len(fixes) >= 8
    assert np.median([off_by(*fix) for fix in fixes]) < 0.03
    seen = [fix.lens.focal for fix, _ in fixes if fix.lens is not None]
    assert len(seen) >= 0.7 * len(fixes) and abs(np.median(seen) - (factor - 1)) < 0.01
    nees = [
        (e := fix.T_map_camera[:3, 3] - T[:3, 3]) @ np.linalg.solve(fix.covariance[:3, :3], e) / 3
        for fix, T in fixes
    ]
    assert 0.3 < np.median(nees) < 1.8 and np.mean(np.array(nees) > 4) <= 0.1


def test_near_photographs_no_single_frame_exchanges_the_lens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "with_own_lens", lambda *_: pytest.fail("the lens is doubted"))
    photographs = orbit(images=12)
    localizer = Localizer(model_from_photographs(photographs), None, LOCAL)
    xy, _ = photographs.keypoints_of(0)
    seen = Keypoints(xy, np.ones(len(xy), np.float32), np.arange(len(xy)), CAMERA.frustum())
    assert isinstance(localizer.localize(seen), Fix)


def test_near_photographs_a_frame_is_not_refused_for_a_lens_that_it_alone_shows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    far = np.array([0.5, 0.0, 0.0, 0.0, 0.0, 0.0])
    odd = LensFit(np.array([0.2, 0.0]), 1e8 * np.eye(2), far, 300.0)
    monkeypatch.setattr(checks, "fit_lens", lambda *_: odd)
    photographs = orbit(images=12)
    localizer = Localizer(model_from_photographs(photographs), None, LOCAL)
    xy, _ = photographs.keypoints_of(0)
    seen = Keypoints(xy, np.ones(len(xy), np.float32), np.arange(len(xy)), CAMERA.frustum())
    assert isinstance(localizer.localize(seen, stamp=0.0), Fix)
    assert localizer.checks.camera.shift is not None


@pytest.mark.parametrize("model", [open_hall, closed_hall], ids=["open", "closed"])
def test_through_a_right_lens_nothing_changes(model: object) -> None:
    localizer = Localizer(model(), None, LOCAL)  # type: ignore[operator]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_lens, "RARE", 1e-30)  # nobody doubts any lens
        alone = first_fixes(localizer, 1.0)
    fixes = first_fixes(localizer, 1.0)
    assert len(fixes) == len(alone) and all(fix.lens is None for fix, _ in fixes)
    wider = [
        fix.sigmas[0] / before.sigmas[0] for (fix, _), (before, _) in zip(fixes, alone, strict=True)
    ]
    assert np.median(wider) < 1.02 and max(wider) < 1.5


def test_where_a_frame_does_not_tell_its_lens_it_is_not_doubted() -> None:
    """A wall seen from ahead: a longer lens, or a camera that is closer."""
    rng = np.random.default_rng(0)
    wall = np.column_stack([np.full(200, 6.0), rng.uniform(-5, 5, 200), rng.uniform(-3, 3, 200)])
    T, heights = standing(0, 0, 0.0, z=0.0), {"camera_height_min": -0.1, "camera_height_max": 0.1}
    config = replace(LOCAL, **heights)  # type: ignore[arg-type]
    model = model_from_points(wall, config, torch.device("cpu"))
    prior = PosePrior(T, 1e-3 * np.eye(6))
    answer = Localizer(model, None, config).localize(told(zoomed(1.0), T, rng, wall), prior=prior)
    assert isinstance(answer, Fix) and answer.lens is None and off_by(answer, T) < 0.05


def test_through_a_longer_lens_an_image_shows_less() -> None:
    view = zoomed(1.0).frustum()
    shown = LensError(0.1).undone_view(view)
    assert shown.x_max == pytest.approx(view.x_max / 1.1) and shown.pixel < view.pixel
    assert shown.area == pytest.approx(view.area / 1.21, rel=1e-4)


def test_a_frame_that_says_nothing_of_its_lens_is_seen_through_that_of_camera_info() -> None:
    """What is fitted there may be anything: a focal length below zero, too."""
    T = standing(*PLACES[0])
    keypoints = told(zoomed(1.0), T, np.random.default_rng(0), landmarks())
    frame = Frame.of(keypoints, CONFIG.keypoint_sigma, CONFIG.clutter, torch.device("cpu"))
    wild = LensFit(np.array([-3.8, 0.1]), 0.01 * np.eye(2), np.zeros(6), 0.0)
    model = closed_hall()
    look = own_lens._through(model, recentred(model, T)[0], wild, frame)
    assert abs(look.lens.focal) < 0.01 and look.frame.frustum.pixel > 0
    assert look.sight.nats > 100


@pytest.mark.parametrize("focal", [-0.2, 0.0, 0.1])
def test_no_lens_shows_a_point_twice(focal: float) -> None:
    """One that would fold the image is taken for the next that does not; milder ones stay."""
    view = zoomed(1.0).frustum()
    corner = np.array([[view.x_max, view.y_max]], np.float32)
    lens = LensError(focal, -0.9).unfolded(view)
    assert -0.9 < lens.bend < 0 and lens.focal == focal
    back = lens.seen(torch.from_numpy(lens.undone(corner)).double()).numpy()
    assert np.abs(back - corner).max() < 0.01
    assert LensError(focal, -0.02).unfolded(view) == LensError(focal, -0.02)


def test_a_frame_is_not_seen_through_a_lens_that_folds_the_image() -> None:
    """Its image would be of a huge area, which every pair of a keypoint and a point gains from."""
    T = standing(*PLACES[0])
    keypoints = told(zoomed(1.0), T, np.random.default_rng(0), landmarks())
    frame = Frame.of(keypoints, CONFIG.keypoint_sigma, CONFIG.clutter, torch.device("cpu"))
    folding = LensFit(np.array([-0.1, -0.9]), 1e9 * np.eye(2), np.zeros(6), 0.0)
    model = closed_hall()
    look = own_lens._through(model, recentred(model, T)[0], folding, frame)
    assert look.frame.frustum.area < 2 * frame.frustum.area
