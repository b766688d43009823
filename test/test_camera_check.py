"""The camera is tested too: a wrong lens is found and named, a right one never accused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from halls import CONFIG, closed_hall, landmarks, open_hall, recentred, standing
from landmarks import CAMERA, report

from bpnp_ros.geometry.camera import Camera
from bpnp_ros.geometry.chart import EQUIDISTANT
from bpnp_ros.keypoints.keypoints import Keypoints, keypoints_from_pixels
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.self_checks.camera import CameraCheck, pooled
from bpnp_ros.localizer.self_checks.focal_trials import FACTORS, PATIENCE, FocalTrials
from bpnp_ros.localizer.self_checks.lens_error import LensError
from bpnp_ros.localizer.self_checks.lens_fit import LensFit, fit_lens
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.from_points import model_from_points
from bpnp_ros.map_model.map_model import MapModel

CPU = torch.device("cpu")
PLACES = [
    (x, y, yaw)
    for x, ahead in ((2, 0.0), (5, 0.0), (18, np.pi))
    for y in (3, 6, 9)
    for yaw in (ahead - 0.2, ahead + 0.2)
]


def told(true: Camera, T: np.ndarray, rng: np.random.Generator, points: np.ndarray) -> Keypoints:
    """What a node reads that takes CAMERA for the one in use."""
    pixels = report(points, T, rng, missed=0.2, clutter=0.2)
    pixels = (pixels - CAMERA.K[:2, 2]) * true.K[0, 0] / CAMERA.K[0, 0] + CAMERA.K[:2, 2]
    return keypoints_from_pixels(pixels[CAMERA.image_contains(pixels)], CAMERA)


def zoomed(factor: float) -> Camera:
    return replace(CAMERA, K=CAMERA.K * [[factor, 1, 1], [1, factor, 1], [1, 1, 1]])


def fitted(factor: float, seed: int, model: MapModel | None = None, start: float = 0.0) -> LensFit:
    """From the true pose, wherever the camera stands."""
    rng = np.random.default_rng(seed)
    T = standing(*PLACES[seed % len(PLACES)])
    keypoints = told(zoomed(factor), T, rng, landmarks())
    frame = Frame.of(keypoints, CONFIG.keypoint_sigma, CONFIG.clutter, CPU)
    model = model or closed_hall()
    return fit_lens(model, recentred(model, T)[0], frame, LensError(start))


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.03, 1.1])
def test_the_focal_length_is_found_with_the_pose(factor: float) -> None:
    estimate = pooled([fitted(factor, seed) for seed in range(12)])
    focal, bend = estimate.mean
    assert abs(focal - (factor - 1)) < 0.004 and abs(bend) < 0.02


def test_the_information_on_the_lens_is_true() -> None:
    """Errors over what is claimed: one, in both numbers; and no less is known than could be."""
    fits = [fitted(1.0, seed) for seed in range(40)]
    squared = [fit.error @ fit.information @ fit.error / 2 for fit in fits]
    assert 0.6 < np.median(squared) / 0.693 < 1.5
    assert np.median([fit.sigma_focal for fit in fits]) < 0.02


def test_distance_and_focal_length_cannot_be_told_apart_on_a_wall_seen_from_ahead() -> None:
    rng = np.random.default_rng(0)
    wall = np.column_stack([np.full(200, 6.0), rng.uniform(-5, 5, 200), rng.uniform(-3, 3, 200)])
    T = standing(0, 0, 0.0, z=0.0)
    model = model_from_points(
        wall, replace(CONFIG, camera_height_min=-0.1, camera_height_max=0.1), CPU
    )
    frame = Frame.of(told(CAMERA, T, rng, wall), 1.3, 0.5, CPU)
    fit = fit_lens(model, recentred(model, T)[0], frame, LensError())
    assert fit.sigma_focal > 0.1


def fit_saying(focal: float, bend: float, sigma: float = 0.01) -> LensFit:
    return LensFit(np.array([focal, bend]), np.eye(2) / sigma**2, np.zeros(6), 0.0)


def test_views_that_are_wrong_altogether_count_little() -> None:
    good = [fit_saying(0.03 + 0.001 * n, 0.0) for n in range(-5, 6)]
    estimate = pooled([*good, *[fit_saying(-0.4, 0.3, 0.001)] * 4])
    assert abs(estimate.mean[0] - 0.03) < 0.003 and estimate.agreeing == 11


def test_views_that_scatter_more_than_they_claim_are_believed_less() -> None:
    calm = pooled([fit_saying(0.01 * s, 0.0) for s in (-1, 1) * 6])
    wild = pooled([fit_saying(0.03 * s, 0.0) for s in (-1, 1) * 6])
    assert wild.covariance[0, 0] > 3 * calm.covariance[0, 0]


def check_of(fits: list[LensFit]) -> CameraCheck:
    check = CameraCheck()
    check.look_through(CAMERA.frustum())
    for fit in fits:
        check.take(fit)
    return check


def test_a_wrong_camera_is_named_with_its_error_and_a_remedy() -> None:
    check = check_of([fitted(1.1, seed) for seed in range(8)])
    assert check.lens is not None and abs(check.lens.focal - 0.1) < 0.01
    assert "focal length by +10." in check.words or "focal length by +9." in check.words
    assert "calibrate" in check.words and "refine_intrinsics" in check.words


@pytest.mark.parametrize("model", [open_hall, closed_hall], ids=["open", "closed"])
def test_a_right_camera_is_not_accused(model: object) -> None:
    check = CameraCheck()
    check.look_through(CAMERA.frustum())
    for seed in range(24):
        check.take(fitted(1.0, seed, model()))  # type: ignore[operator]
        assert check.lens is None, check.words


def test_few_views_and_small_errors_are_no_reason() -> None:
    assert check_of([fit_saying(0.1, 0)] * 3).lens is None
    assert check_of([fit_saying(0.004, 0, 1e-4)] * 20).lens is None
    assert check_of([fit_saying(0.1, 0, 0.5)] * 20).lens is None


def test_another_camera_info_begins_anew() -> None:
    check = check_of([fit_saying(0.1, 0)] * 12)
    assert check.lens is not None
    check.look_through(zoomed(1.1).frustum())
    assert check.lens is None and check.estimate is None


def test_a_lens_error_is_undone() -> None:
    xy = np.random.default_rng(0).uniform(-0.8, 0.8, (50, 2)).astype(np.float32)
    lens = LensError(0.08, -0.05)
    seen = lens.seen(torch.from_numpy(xy)).numpy()
    assert np.abs(lens.undone(seen) - xy).max() < 1e-5


def test_a_fisheye_is_fitted_on_its_own_chart() -> None:
    """Its focal length is that of angles, its first coefficient that of their cubes."""
    K = np.array([[200.0, 0, 320], [0, 200, 240], [0, 0, 1]])
    camera = Camera(K, 640, 480, "equidistant", (0.0, 0.0, 0.0, 0.0))
    rng, fits = np.random.default_rng(1), []
    for x, y, yaw in PLACES[:8]:
        T = standing(x, y, yaw)
        in_camera = (landmarks() - T[:3, 3]) @ T[:3, :3]
        image = EQUIDISTANT.image(torch.from_numpy(in_camera).unbind(-1), 0.0)
        angle = torch.stack(image, dim=1).numpy()
        square = (angle**2).sum(axis=1, keepdims=True)
        pixels = 200 * angle * (1.05 + 0.02 * square) + [320, 240] + rng.normal(size=angle.shape)
        keypoints = keypoints_from_pixels(pixels[camera.image_contains(pixels)], camera)
        assert keypoints.frustum.chart == EQUIDISTANT
        frame = Frame.of(keypoints, 1.3, 0.5, CPU)
        fits.append(fit_lens(closed_hall(), recentred(closed_hall(), T)[0], frame, LensError()))
    focal, bend = pooled(fits).mean
    assert abs(focal - 0.05) < 0.01 and abs(bend - 0.02) < 0.01


def test_without_a_pose_other_focal_lengths_are_tried_one_by_one() -> None:
    trials, failed = FocalTrials(), Rejection(Category.NOT_VERIFIED, "")
    tried = []
    for _ in range(PATIENCE * len(FACTORS)):
        lens = trials.lens_to_try(failed)
        if lens is not None:
            tried.append(round(1 + lens.focal, 2))
            trials.tell(worked=False)
    assert tried == list(FACTORS)
    trials.tell(worked=True)
    assert trials.lens_to_try(failed) == LensError(FACTORS[0] - 1)
    assert trials.lens_to_try(Rejection(Category.TOO_FEW_KEYPOINTS, "")) is None


def walk(localizer: Localizer, factor: float) -> list[float]:
    """Errors in metres of a camera that goes through the hall; infinite without a pose."""
    rng, errors = np.random.default_rng(5), list[float]()
    for step in range(36):
        T = standing(2 + 0.2 * step, 5 + 0.1 * step, 0.3 * np.sin(0.3 * step))
        prior = None if step else PosePrior(T, 1e-4 * np.eye(6))
        keypoints = told(zoomed(factor), T, rng, landmarks())
        answer = localizer.localize(keypoints, stamp=1 + 0.3 * step, prior=prior)
        found = answer.T_map_camera if isinstance(answer, Fix) else np.full((4, 4), np.inf)
        errors.append(float(np.linalg.norm(found[:3, 3] - T[:3, 3])))
    return errors


def test_a_miscalibrated_camera_is_named_and_its_poses_are_right_refined_or_not() -> None:
    left, refined = (
        Localizer(
            closed_hall(),
            None,
            replace(CONFIG, refine_intrinsics=used, bank_views=1000, use_bpnpnet=False),
        )
        for used in (False, True)
    )
    as_told, as_seen = walk(left, 1.1), walk(refined, 1.1)
    assert "CAMERA_MISCALIBRATED" in left.notes[0] and "CAMERA_MISCALIBRATED" in refined.notes[0]
    assert np.median(as_seen[-8:]) < 0.05 and np.median(as_told[-8:]) < 0.05
    assert "focal length +" in left.checks.values["camera_check"]


@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize("model", [open_hall, closed_hall], ids=["open", "closed"])
def test_a_pose_seen_through_a_wrong_lens_does_not_claim_to_be_right(
    model: object, factor: float
) -> None:
    """From the first view on the error lies within three standard deviations, or there is none."""
    config = replace(CONFIG, bank_views=1000, use_bpnpnet=False)
    localizer = Localizer(model(), None, config)  # type: ignore[operator]
    rng, overconfident = np.random.default_rng(0), 0
    for number, (x, y, yaw) in enumerate(PLACES[:8]):
        T = standing(x, y, yaw)
        keypoints = told(zoomed(factor), T, rng, landmarks())
        prior = PosePrior(T, 0.01 * np.eye(6))
        answer = localizer.localize(keypoints, stamp=1 + number, prior=prior)
        if isinstance(answer, Fix):
            error = answer.T_map_camera[:3, 3] - T[:3, 3]
            squared = error @ np.linalg.solve(answer.covariance[:3, :3], error)
            overconfident += int(squared > 3**2)
    assert overconfident <= 1  # a view that pairs wrongly says nothing of its lens


def test_a_right_lens_widens_no_covariance() -> None:
    check = CameraCheck()
    check.look_through(CAMERA.frustum())
    for seed in range(24):
        check.take(fitted(1.0, seed))
        assert check.shift is None
    check.take(fitted(1.1, 0))
    assert check.shift is not None
