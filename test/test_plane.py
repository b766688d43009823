"""A pose that is right about one plane alone: a wall from behind, or in a mirror."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from halls import SIZE, closed, frame_of, judged, recentred, standing
from landmarks import CAMERA, Array, report
from numpy.typing import NDArray

from bpnp_ros.localizer.evidence.plane import plane_of_most, seen_beside_plane
from bpnp_ros.localizer.types import Category, Fix, Rejection

HERE = standing(8, 5, 0.4)
WALL, ELSEWHERE = 80, 160


def room() -> Array:
    """Landmarks of a wall at x = 16, (80, 3), and of what stands before and behind it, (160, 3)."""
    rng = np.random.default_rng(3)
    everywhere = rng.uniform((0, 0, 0), SIZE, (WALL + ELSEWHERE, 3))
    everywhere[:WALL, 0] = 16.0
    return everywhere


def test_the_plane_that_most_points_lie_in_is_found_among_others() -> None:
    normal, offset = plane_of_most(room(), 0.05)
    assert np.abs(normal) == pytest.approx([1, 0, 0], abs=1e-3)
    assert offset * normal[0] == pytest.approx(16.0, abs=0.01)


def test_points_in_one_line_have_planes_too() -> None:
    normal, offset = plane_of_most(np.linspace(0, 1, 12)[:, None] * [1.0, 2.0, 0.5], 0.05)
    assert np.isfinite(normal).all() and np.isfinite(offset)


def test_what_is_seen_beside_a_wall_is_told_from_what_is_not() -> None:
    model, wall, all_of_it = closed(room()), np.arange(WALL), np.arange(WALL + ELSEWHERE)
    T = recentred(model, HERE)[0]
    frustum = CAMERA.frustum()
    visible = visible_rows(T, model.points)
    alone = seen_beside_plane(model, T, frustum, np.intersect1d(wall, visible))
    both = seen_beside_plane(model, T, frustum, np.intersect1d(all_of_it, visible))
    assert alone < 0.15 and both == pytest.approx(1.0, abs=0.05)


def test_where_nothing_stands_beside_the_wall_the_wall_speaks_for_itself() -> None:
    model = closed(room()[:WALL])
    T = recentred(model, HERE)[0]
    seen = visible_rows(T, model.points)
    assert seen_beside_plane(model, T, CAMERA.frustum(), seen) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("is_wall_alone", [True, False])
def test_a_frame_that_shows_no_more_than_the_wall_is_refused(is_wall_alone: bool) -> None:
    rng = np.random.default_rng(1)
    shown = report(room()[:WALL] if is_wall_alone else room(), HERE, rng, 0.1, 0.3)
    answer = judged(closed(room()), [HERE], frame_of(shown))
    if is_wall_alone:
        assert isinstance(answer, Rejection) and answer.category is Category.NOT_VERIFIED
        assert "explains one plane" in answer.message
    else:
        assert isinstance(answer, Fix)


def visible_rows(T_map_camera: torch.Tensor, points: torch.Tensor) -> NDArray[np.int64]:
    in_camera = (points - T_map_camera[:3, 3]) @ T_map_camera[:3, :3]
    pixels = in_camera[:, :2] / in_camera[:, 2:] @ torch.from_numpy(CAMERA.K[:2, :2]).float().T
    pixels = pixels + torch.from_numpy(CAMERA.K[:2, 2]).float()
    ahead = in_camera[:, 2] > 0.1
    inside = (
        (pixels >= 0).all(dim=1) & (pixels[:, 0] < CAMERA.width) & (pixels[:, 1] < CAMERA.height)
    )
    rows: NDArray[np.int64] = (ahead & inside).nonzero()[:, 0].numpy()
    return rows
