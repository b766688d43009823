"""Virtual views: what a detector would report of a map."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.transform import invert, transform_points
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.simulation.virtual_views import ViewNoise, ViewSource, VirtualViews

EXACT = ViewNoise(pixel_noise=0.0, missed=(0.0, 0.0), clutter=(0.0, 0.0))
FRUSTUM = Frustum(-0.9, 0.9, -0.7, 0.7, 1 / 400)


@pytest.fixture
def source() -> ViewSource:
    points = torch.nn.functional.normalize(
        torch.randn(300, 3, generator=torch.Generator().manual_seed(0)), dim=1
    )
    seen = torch.arange(300).expand(4, 300)
    space = ViewSpace(torch.zeros(4, 3), seen, torch.ones(4, 300), torch.full((3,), 0.2), tilt=0.1)
    return ViewSource(space, 3 * points, (FRUSTUM,), EXACT)


def draw(source: ViewSource, count: int = 50, seed: int = 1) -> VirtualViews:
    return source.draw(count, torch.Generator().manual_seed(seed))


def test_a_keypoint_is_the_projection_of_its_map_point(source: ViewSource) -> None:
    views = draw(source)
    assert views.mask.any(dim=1).all()
    points = source.points[views.point.clamp_max(299)]
    in_camera = transform_points(invert(views.T_map_camera), points)
    xy = in_camera[..., :2] / in_camera[..., 2:]
    torch.testing.assert_close(views.xy[views.mask], xy[views.mask], atol=1e-5, rtol=1e-5)
    assert (in_camera[views.mask][:, 2] > 0).all()


def test_no_point_outside_the_image_is_reported(source: ViewSource) -> None:
    views = draw(source)
    assert FRUSTUM.contains(views.xy[views.mask].numpy(), 1e-5).all()


def test_shares_of_missed_points_and_clutter_are_as_asked(source: ViewSource) -> None:
    everything = draw(source, 200).mask.sum()
    noisy = replace(source, noise=ViewNoise(0.0, missed=(0.4, 0.4), clutter=(0.25, 0.25)))
    views = draw(noisy, 200)
    clutter = (views.mask & (views.point == 300)).sum()
    true = (views.point < 300).sum()
    assert float(true / everything) == pytest.approx(0.6, abs=0.03)
    assert float(clutter / (true + clutter)) == pytest.approx(0.25, abs=0.01)


def test_pixel_noise_is_a_standard_deviation_in_pixels(source: ViewSource) -> None:
    views = draw(replace(source, noise=replace(EXACT, pixel_noise=2.0)))
    points = source.points[views.point.clamp_max(299)]
    in_camera = transform_points(invert(views.T_map_camera), points)
    error = (views.xy - in_camera[..., :2] / in_camera[..., 2:])[views.mask] / FRUSTUM.pixel
    assert float(error.std()) == pytest.approx(2.0, rel=0.05)


def test_the_order_of_keypoints_does_not_tell_their_points(source: ViewSource) -> None:
    views = draw(source)
    steps = views.point.diff(dim=1)[views.mask[:, 1:]]
    assert 0.4 < float((steps > 0).float().mean()) < 0.6


def test_the_same_generator_gives_the_same_views(source: ViewSource) -> None:
    assert torch.equal(draw(source, seed=7).xy, draw(source, seed=7).xy)
    assert not torch.equal(draw(source, seed=7).xy, draw(source, seed=8).xy)


def test_views_keep_no_more_keypoints_than_asked_for(source: ViewSource) -> None:
    few = draw(replace(source, keypoints=10))
    assert few.xy.shape == (50, 10, 2)
    assert few.mask.all()


def test_each_view_is_of_one_of_the_cameras(source: ViewSource) -> None:
    narrow = Frustum(-0.2, 0.2, -0.1, 0.1, 1 / 800)
    views = draw(replace(source, frustums=(FRUSTUM, narrow)), 100)
    reach = (views.xy.abs() * views.mask[..., None]).amax(dim=(1, 2))
    fits = reach < 0.2
    assert 30 < fits.sum() < 70
    assert (reach[~fits] < 0.9).all() and (reach[~fits] > 0.3).all()


def test_clutter_can_lie_in_clusters(source: ViewSource) -> None:
    spread = []
    for clustered in (0.0, 1.0):
        noise = ViewNoise(0.0, missed=(0.0, 0.0), clutter=(0.7, 0.7), clustered=clustered)
        views = draw(replace(source, noise=noise))
        clutter = views.xy.masked_fill((views.point < 300)[..., None] | ~views.mask[..., None], 99)
        distance = torch.cdist(clutter, clutter) + 99 * torch.eye(clutter.shape[1])
        nearest = distance.amin(dim=2)[(views.point == 300) & views.mask]
        spread.append(float(nearest.median()))
        assert FRUSTUM.contains(views.xy[views.mask].numpy(), 1e-5).all()
    assert spread[1] < 0.4 * spread[0]
