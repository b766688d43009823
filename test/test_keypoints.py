"""Cleaning of keypoints: what remains, what is dropped and why."""

from __future__ import annotations

import numpy as np
import pytest

from bpnp_ros.configuration.parameters import KeypointConfig
from bpnp_ros.errors import ConfigError, KeypointError
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.keypoints.keypoints import (
    TooFewKeypointsError,
    keypoints_from_bearings,
    keypoints_from_pixels,
)

CAMERA = Camera(np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]]), 640, 480)
FISHEYE = Camera(np.array([[200.0, 0, 320], [0, 200, 240], [0, 0, 1]]), 640, 480, "equidistant")


def random_pixels(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 480, (count, 2))


def test_pixels_land_on_the_z_1_plane_and_remember_their_row() -> None:
    pixels = random_pixels(20)
    keypoints = keypoints_from_pixels(pixels, CAMERA)
    expected = (pixels - [320, 240]) / 500
    np.testing.assert_allclose(keypoints.xy, expected[keypoints.index], atol=1e-6)
    assert keypoints.xy.dtype == np.float32
    assert sorted(keypoints.index) == list(range(20))
    assert keypoints.dropped == {}


def test_what_remains_does_not_depend_on_the_order_of_the_message() -> None:
    rng = np.random.default_rng(1)
    pixels = random_pixels(200)
    score = rng.integers(0, 3, 200) / 2.0  # many ties
    config = KeypointConfig(max_keypoints=50)
    shuffle = rng.permutation(200)
    one = keypoints_from_pixels(pixels, CAMERA, score, config)
    other = keypoints_from_pixels(pixels[shuffle], CAMERA, score[shuffle], config)
    np.testing.assert_array_equal(one.xy, other.xy)
    np.testing.assert_array_equal(one.score, other.score)
    np.testing.assert_array_equal(one.index, shuffle[other.index])


def test_the_best_by_score_are_kept() -> None:
    score = np.linspace(0, 1, 100)
    keypoints = keypoints_from_pixels(random_pixels(100), CAMERA, score, KeypointConfig(10))
    assert set(keypoints.index) == set(range(90, 100))
    assert keypoints.dropped == {"beyond max_keypoints": 90}


def test_every_dropped_row_is_counted_under_its_reason() -> None:
    good = random_pixels(10)
    bad = [[np.nan, 1], [1, np.inf], [-50, 10], [700, 10], [10, 1e9], good[0], good[0]]
    keypoints = keypoints_from_pixels(np.vstack([good, bad]), CAMERA)
    assert sorted(keypoints.index) == list(range(10))
    assert keypoints.dropped == {"not finite": 2, "outside the image": 3, "duplicates": 2}


def test_a_keypoint_on_the_border_stays() -> None:
    pixels = np.vstack([random_pixels(10), [[-1.0, 10]], [[640.5, 470]]])
    assert len(keypoints_from_pixels(pixels, CAMERA)) == 12


def test_of_duplicates_the_best_scored_stays() -> None:
    pixels = np.vstack([random_pixels(10), random_pixels(10)])
    score = np.concatenate([np.full(10, 0.2), np.full(10, 0.9)])
    keypoints = keypoints_from_pixels(pixels, CAMERA, score)
    assert sorted(keypoints.index) == list(range(10, 20))


def test_scores_of_any_scale_end_between_0_and_1() -> None:
    score = np.linspace(-5, 300, 30)
    keypoints = keypoints_from_pixels(random_pixels(30), CAMERA, score)
    assert keypoints.score.max() == 1
    assert keypoints.score.min() == 0


def test_too_few_is_an_error_that_counts_the_reasons() -> None:
    pixels = np.vstack([random_pixels(2), [[np.nan, 0]], [[9000, 0]]])
    with pytest.raises(TooFewKeypointsError, match=r"2 of 4 .*1 not finite, 1 outside the image"):
        keypoints_from_pixels(pixels, CAMERA)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((0, 2)),
        np.full((50, 2), np.nan),
        np.full((50, 2), np.inf),
        np.full((50, 2), 7.0),
        np.full((50, 2), 1e30),
    ],
    ids=["empty", "NaN", "infinite", "one point", "far away"],
)
@pytest.mark.parametrize("camera", [CAMERA, FISHEYE], ids=["pinhole", "fisheye"])
def test_useless_sets_are_too_few(pixels: np.ndarray, camera: Camera) -> None:
    with pytest.raises(TooFewKeypointsError):
        keypoints_from_pixels(pixels, camera)


def test_a_wrong_shape_is_named() -> None:
    with pytest.raises(KeypointError, match=r"\(M, 2\), not \(5, 3\)"):
        keypoints_from_pixels(np.zeros((5, 3)), CAMERA)
    with pytest.raises(KeypointError, match=r"scores of shape \(4,\)"):
        keypoints_from_pixels(np.zeros((5, 2)), CAMERA, np.zeros(4))


def test_bearings_of_any_length_give_their_point_on_the_plane() -> None:
    rng = np.random.default_rng(0)
    xy = rng.uniform(-0.5, 0.5, (20, 2))
    bearings = np.column_stack([xy, np.ones(20)]) * rng.uniform(0.1, 9, (20, 1))
    keypoints = keypoints_from_bearings(bearings, field_of_view=(70, 60))
    np.testing.assert_allclose(keypoints.xy, xy[keypoints.index], atol=1e-6)
    assert keypoints.frustum.x_max == pytest.approx(np.tan(np.radians(35)))


@pytest.mark.filterwarnings("error")
def test_bearings_of_any_size_are_kept_or_counted_without_overflow() -> None:
    ahead = np.column_stack([np.linspace(-0.5, 0.5, 6), np.zeros(6), np.ones(6)])
    odd = np.array([[1e300, 0, 1e-300], [1e30, 0, 1e-30], [1e300, 1e300, 1e300]])
    keypoints = keypoints_from_bearings(np.vstack([ahead, odd]))
    assert np.isfinite(keypoints.xy).all() and len(keypoints.xy) == 7
    assert keypoints.dropped == {"at a right angle to the axis": 2}


def test_bearings_that_point_backwards_or_outside_are_dropped() -> None:
    bearings = np.random.default_rng(0).uniform(-0.2, 0.2, (14, 3))
    bearings[:, 2] = 1
    bearings[:4] = np.array([[0, 0, -1], [1, 0, 0], [1e6, 0, 1], [0.9, 0, 1]])
    keypoints = keypoints_from_bearings(bearings, field_of_view=(60, 60))
    assert keypoints.dropped == {
        "behind the camera": 2,
        "at a right angle to the axis": 1,
        "outside the field of view": 1,
    }


def test_without_a_field_of_view_the_bearings_span_it() -> None:
    bearings = np.column_stack([random_pixels(30) / 1000, np.ones(30)])
    keypoints = keypoints_from_bearings(bearings)
    assert keypoints.frustum.contains(keypoints.xy).all()
    assert keypoints.frustum.x_max < 0.49


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="min_keypoints"):
        KeypointConfig(max_keypoints=5, min_keypoints=6)
    with pytest.raises(ConfigError, match="degrees"):
        keypoints_from_bearings(np.ones((9, 3)), field_of_view=(1.2, 400))


def test_what_a_fisheye_sees_beyond_the_plane_is_a_keypoint_like_any_other() -> None:
    wide = Camera(np.array([[100.0, 0, 200], [0, 100, 200], [0, 0, 1]]), 400, 400, "equidistant")
    beyond = np.array([[200 + 100 * np.pi / 2, 200], [5, 200]])
    pixels = np.concatenate([200 + random_pixels(20) / 10, beyond])
    keypoints = keypoints_from_pixels(pixels, wide)
    assert len(keypoints) == 22 and keypoints.dropped == {}
    bearing = keypoints.bearing[np.argsort(keypoints.index)]
    np.testing.assert_allclose(bearing[20], [1, 0, 0], atol=1e-6)
    assert bearing[21, 2] < 0
    np.testing.assert_allclose(keypoints.frustum.x_max, 2.0)


def test_cues_follow_their_keypoints() -> None:
    size, rgb = np.arange(30, dtype=np.float32), np.random.default_rng(0).random((30, 3))
    cues = {"size": size, "rgb": rgb.astype(np.float32)}
    keypoints = keypoints_from_pixels(random_pixels(30), CAMERA, size, cues=cues)
    np.testing.assert_array_equal(keypoints.cues["size"], keypoints.index)
    np.testing.assert_array_equal(keypoints.cues["rgb"], cues["rgb"][keypoints.index])
