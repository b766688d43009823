"""A fisheye camera of up to 180 degrees finds itself as any other does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from landmarks import ceiling_lamps, held
from shared_data import SHARED, needs_shared_data

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.geometry.chart import EQUIDISTANT, PINHOLE, Chart
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import invert, make_transform, transform_points
from bpnp_ros.keypoints.keypoints import keypoints_from_pixels
from bpnp_ros.keypoints.lens import image_view, off_chart
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.types import Fix

CHARTS = pytest.mark.parametrize("chart", [PINHOLE, EQUIDISTANT], ids=lambda chart: chart.name)
FISHEYE = Camera(np.array([[200.0, 0, 320], [0, 200, 320], [0, 0, 1]]), 640, 640, "equidistant")


def some_points(chart: Chart) -> torch.Tensor:
    """(40, 3), a few on the axis or next to it; of a wide chart also behind the camera."""
    points = torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    points[:, 2] = points[:, 2].abs() + 0.3 if chart == PINHOLE else points[:, 2]
    points[:3] = torch.tensor([[0, 0, 2.0], [1e-5, 0, 2.0], [2e-3, 1e-3, 1.5]])
    return points


@CHARTS
def test_the_jacobian_is_that_of_finite_differences(chart: Chart) -> None:
    points = some_points(chart)

    def image(step: torch.Tensor) -> torch.Tensor:
        moved = transform_points(invert(make_transform(so3_exp(step[3:]), step[:3])), points)
        return torch.stack(chart.image(moved.unbind(-1), nearest=1e-3), dim=-1)

    small = 1e-6 * torch.eye(6, dtype=torch.float64)
    numeric = torch.stack([(image(step) - image(-step)) / 2e-6 for step in small], dim=-1)
    assert torch.allclose(chart.jacobian(points, 0.01), numeric, atol=1e-5, rtol=1e-5)


@CHARTS
def test_a_bearing_has_the_image_that_it_came_from(chart: Chart) -> None:
    points = some_points(chart)
    xy = torch.stack(chart.image(points.unbind(-1), nearest=1e-3), dim=-1)
    expected = torch.nn.functional.normalize(points, dim=1)
    assert torch.allclose(chart.bearings(xy), expected, atol=1e-9)


def test_a_fisheye_shows_what_is_beside_and_behind_it_and_a_pinhole_does_not() -> None:
    beside = torch.tensor([[3.0, 0, -0.5], [0, 2.0, 0.0]])
    assert EQUIDISTANT.shows(beside.unbind(-1), 0.1).all()
    assert not PINHOLE.shows(beside.unbind(-1), 0.1).any()
    assert not EQUIDISTANT.shows((0.01 * beside).unbind(-1), 0.1).any()


def test_only_a_view_wider_than_the_plane_needs_another_chart() -> None:
    assert image_view(FISHEYE).chart is EQUIDISTANT
    tele = Camera(np.array([[600.0, 0, 320], [0, 600, 320], [0, 0, 1]]), 640, 640, "equidistant")
    assert image_view(tele).chart is PINHOLE


def test_keypoints_go_back_to_their_pixels() -> None:
    pixels = np.random.default_rng(0).uniform(100, 540, (30, 2))
    keypoints = keypoints_from_pixels(pixels, FISHEYE)
    back = off_chart(keypoints.xy, FISHEYE)
    assert np.allclose(back, pixels[keypoints.index], atol=1e-3)


def seen_by_a_fisheye(lamps: np.ndarray, T: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pixels (M, 2), one pixel of noise, a tenth missed, a fifth clutter, up to 85 deg."""
    rays = (lamps - T[:3, 3]) @ T[:3, :3]
    angle = np.arctan2(np.hypot(rays[:, 0], rays[:, 1]), rays[:, 2])
    outwards = rays[:, :2] / np.hypot(rays[:, 0], rays[:, 1])[:, None]
    pixels = 320 + 200 * angle[:, None] * outwards
    kept = (angle < np.radians(85)) & (rng.random(len(lamps)) > 0.1)
    pixels = pixels[kept] + rng.normal(size=(int(kept.sum()), 2))
    pixels = pixels[FISHEYE.image_contains(pixels)]
    clutter = rng.uniform(40, 600, (len(pixels) // 4, 2))
    return rng.permutation(np.concatenate([pixels, clutter]))


def test_a_fisheye_under_lamps_uses_those_at_80_degrees_from_the_axis() -> None:
    rng = np.random.default_rng(11)
    lamps = ceiling_lamps(rng)
    config = LocalizerConfig(
        motion="floor", camera_mounting="up", camera_height_min=0.45, camera_height_max=0.55
    )
    localizer, found, far_out = Localizer.from_map(lamps, config=config), 0, 0
    for x, y in rng.uniform([2, 2], [18, 10], (4, 2)):
        T = held("up", rng.uniform(-3, 3), np.array([x, y, 0.5]), np.zeros(2))
        pixels = seen_by_a_fisheye(lamps, T, rng)
        answer = localizer.localize(pixels, FISHEYE)
        if isinstance(answer, Fix):
            found += bool(np.linalg.norm(answer.T_map_camera[:3, 3] - T[:3, 3]) < 0.1)
            used = keypoints_from_pixels(pixels, FISHEYE).bearing[answer.keypoint_index]
            far_out += int((used[:, 2] < np.cos(np.radians(75))).sum())
    assert found >= 3 and far_out >= 10


@needs_shared_data
def test_real_lamps_have_the_bearings_of_their_reference_calibration() -> None:
    with np.load(SHARED / "landmarks" / "ceiling_lamps.npz") as data:
        camera = Camera(data["K"], 640, 480, "equidistant", tuple(data["D"].tolist()))
        pixels, index = data["kp_xy"], data["kp_map_index"]
        bearing = data["kp_bearing"]
    known = index >= 0
    keypoints = keypoints_from_pixels(pixels[known][:400].astype(np.float64), camera)
    assert np.abs(keypoints.bearing - bearing[known][:400][keypoints.index]).max() < 1e-3
