"""Distortion: what `project` does to a point, `normalise` undoes."""

from __future__ import annotations

import numpy as np
import pytest

from bpnp_ros.errors import CameraError
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.geometry.distortion import distorted_radius
from bpnp_ros.keypoints.lens import (
    bearings_of,
    image_frustum,
    normalise,
    project,
    uncovered_share,
)

K = np.array([[400.0, 0, 320], [0, 410, 240], [0, 0, 1]])
LENSES = {
    "none": ("plumb_bob", ()),
    "barrel": ("plumb_bob", (-0.28, 0.07, 1e-3, -5e-4, 0.0)),
    "pincushion": ("plumb_bob", (0.35, 0.1, 0, 0)),
    "strong": ("plumb_bob", (1.055, -0.521, 0.04, 0.035)),
    "rational": ("rational_polynomial", (5.1, 3.2, 1e-4, -4e-5, 0.17, 5.4, 4.7, 0.9)),
    "fisheye": ("equidistant", (-0.01, 0.02, -0.01, 0.002)),
}


def lens(name: str) -> Camera:
    model, coefficients = LENSES[name]
    return Camera(K, 640, 480, model, coefficients)


def image_grid() -> np.ndarray:
    u, v = np.meshgrid(np.linspace(0, 640, 17), np.linspace(0, 480, 13))
    return np.stack([u.ravel(), v.ravel()], axis=1)


@pytest.mark.parametrize("name", LENSES)
def test_every_pixel_of_the_image_survives_the_round_trip(name: str) -> None:
    camera, pixels = lens(name), image_grid()
    xy = normalise(pixels, camera)
    back = project(np.column_stack([xy, np.ones(len(xy))]), camera)
    np.testing.assert_allclose(back, pixels, atol=1e-4)


def test_the_equidistant_model_is_the_angle_times_the_focal_length() -> None:
    camera = Camera(np.diag([100.0, 100.0, 1.0]), 400, 400, "equidistant", (0, 0, 0, 0))
    angle = np.radians([10.0, 45.0, 80.0])
    points = np.stack([np.sin(angle), np.zeros(3), np.cos(angle)], axis=1)
    np.testing.assert_allclose(project(points, camera)[:, 0], 100 * angle, atol=1e-9)


def test_rays_more_than_85_degrees_off_the_axis_have_no_point() -> None:
    camera = Camera(np.diag([100.0, 100.0, 1.0]), 400, 400, "equidistant", (0, 0, 0, 0))
    pixels = 100 * np.radians([[84.0, 0], [86.0, 0], [95.0, 0], [200.0, 0]])
    xy = normalise(pixels, camera)
    assert xy[0, 0] == pytest.approx(np.tan(np.radians(84)), rel=1e-6)
    assert np.isnan(xy[1:]).all()


def test_a_pixel_that_the_lens_model_never_reaches_has_no_point() -> None:
    folded = Camera(K, 640, 480, "plumb_bob", (-0.5, 0, 0, 0))
    xy = normalise(np.array([[330.0, 250.0], [0.0, 0.0]]), folded)
    assert np.isfinite(xy[0]).all()
    assert np.isnan(xy[1]).all()


def test_nonsense_pixels_have_no_point() -> None:
    nonsense = np.array([[np.nan, 3], [np.inf, 3], [1e300, 1e300]])
    for name in ("barrel", "rational", "fisheye"):
        assert np.isnan(normalise(nonsense, lens(name))).all(), name


def test_a_point_behind_the_camera_has_no_pixel() -> None:
    pixels = project(np.array([[0.1, 0.1, 2], [0.1, 0.1, -2], [0.1, 0.1, 0]]), lens("barrel"))
    assert np.isfinite(pixels[0]).all()
    assert np.isnan(pixels[1:]).all()


def test_a_barrel_lens_sees_more_than_a_pinhole_and_a_pincushion_lens_less() -> None:
    pinhole = image_frustum(lens("none")).area
    assert image_frustum(lens("pincushion")).area < pinhole < image_frustum(lens("barrel")).area


@pytest.mark.parametrize(
    ("stated", "coefficients", "model", "meant"),
    [
        ("plumb_bob", (-0.1, 0.05, 0, 0, 0.01, 0, 0, 0), "plumb_bob", (-0.1, 0.05, 0, 0, 0.01)),
        ("plumb_bob", (0.1, *[0.0] * 13), "plumb_bob", (0.1, 0, 0, 0)),
        ("plumb_bob", (0.1, 0.2), "plumb_bob", (0.1, 0.2, 0, 0)),
        ("", (0.1, 0, 0, 0, 0, 0.1, 0, 0), "rational_polynomial", (0.1, 0, 0, 0, 0, 0.1, 0, 0)),
        ("rational_polynomial", (0.1,) * 5, "rational_polynomial", (*[0.1] * 5, 0, 0, 0)),
        ("equidistant", (0.1, 0.2, 0.3, 0.4, 0), "equidistant", (0.1, 0.2, 0.3, 0.4)),
        ("equidistant", (0.1,), "equidistant", (0.1, 0, 0, 0)),
        ("Kannala_Brandt4", (0.1, 0, 0, 0), "equidistant", (0.1, 0, 0, 0)),
        ("radtan", (0.1, 0, 0, 0), "plumb_bob", (0.1, 0, 0, 0)),
        ("none", (), "plumb_bob", ()),
        ("inverse_brown_conrady", (0.0,) * 5, "plumb_bob", ()),
    ],
)
def test_what_drivers_write_is_taken_as_it_is_meant(
    stated: str, coefficients: tuple, model: str, meant: tuple
) -> None:
    camera = Camera(K, 640, 480, stated, coefficients)
    assert (camera.distortion_model, camera.D) == (model, meant)


@pytest.mark.parametrize("angle", [0.0, 40.0, 84.0, 89.9, 95.0, 110.0])
def test_a_fisheye_pixel_is_a_bearing_however_far_off_the_axis(angle: float) -> None:
    D = (-0.01, 0.003, -0.001, 0.0001)
    camera = Camera(
        np.array([[100.0, 0, 200], [0, 110, 190], [0, 0, 1]]), 400, 400, "equidistant", D
    )
    t = np.radians(angle)
    radius = t * (1 + D[0] * t**2 + D[1] * t**4 + D[2] * t**6 + D[3] * t**8)
    pixel = np.array([[200 + 100 * radius * 0.6, 190 + 110 * radius * 0.8]])
    expected = [[0.6 * np.sin(t), 0.8 * np.sin(t), np.cos(t)]]
    np.testing.assert_allclose(bearings_of(pixel, camera), expected, atol=1e-7)


def test_beyond_the_fold_of_a_lens_model_nothing_is_made_up() -> None:
    folded = Camera(K, 640, 480, "plumb_bob", (-0.6, 0, 0, 0))
    assert 0.1 < uncovered_share(folded) < 0.9
    assert uncovered_share(lens("barrel")) == 0
    radius = np.tan(folded.fold_angle)
    assert radius == pytest.approx(1 / np.sqrt(1.8), rel=2e-3)
    xy = normalise(image_grid(), folded)
    assert np.nanmax(np.hypot(*xy.T)) <= radius
    fisheye = Camera(np.diag([100.0, 100, 1]), 400, 400, "equidistant", (-0.2, 0, 0, 0))
    fold = distorted_radius(np.array([fisheye.fold_angle]), "equidistant", fisheye.D)[0]
    pixels = 100 * fold * np.array([[0.99, 0.0], [1.01, 0.0], [0.0, 2.0]])
    assert np.isfinite(bearings_of(pixels, fisheye)[:, 0]).tolist() == [True, False, False]


def test_fisheye_is_another_name_of_equidistant() -> None:
    assert Camera(K, 640, 480, "fisheye", (0, 0, 0, 0)).distortion_model == "equidistant"


@pytest.mark.parametrize(
    ("model", "coefficients", "complaint"),
    [
        ("omnidirectional", (0.1, 0, 0, 0, 0), "'omnidirectional' is not known"),
        ("inverse_brown_conrady", (0.1, 0, 0, 0, 0), "'inverse_brown_conrady' is not known"),
        ("equidistant", (0.0, 0, 0, 0, 0.1), "5 coefficients"),
        ("rational_polynomial", (0.1,) * 15, "15 coefficients"),
        ("plumb_bob", (np.nan, 0, 0, 0), "not finite"),
        ("unheard of", (np.inf, 0, 0, 0), "not finite"),
    ],
)
def test_a_lens_that_cannot_be_is_refused(model: str, coefficients: tuple, complaint: str) -> None:
    with pytest.raises(CameraError, match=complaint):
        Camera(K, 640, 480, model, coefficients)


@pytest.mark.parametrize(
    "K",
    [np.zeros((3, 3)), np.full((3, 3), np.nan), np.diag([1.0, 1.0, 0]), np.diag([-400.0, 400, 1])],
)
def test_intrinsics_that_cannot_be_are_refused(K: np.ndarray) -> None:
    with pytest.raises(CameraError, match="calibrate"):
        Camera(K, 640, 480)


@pytest.mark.parametrize("entry", [(0, 1), (1, 0)])
def test_skew_and_transposed_intrinsics_are_refused_by_name(entry: tuple[int, int]) -> None:
    skewed = K.copy()
    skewed[entry] = 0.5
    with pytest.raises(CameraError, match="skew"):
        Camera(skewed, 640, 480)
