"""The measurement model and what is built on it: refinement, stored views, the view space."""

from __future__ import annotations

from dataclasses import replace

import torch
from halls import closed_hall, standing
from rooms import CAMERA, CONFIG, fresh_views, rooms

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.candidates import apart
from bpnp_ros.localizer.descent.poses import refine
from bpnp_ros.localizer.measurement import (
    CLUTTER_SHARES,
    explained,
    log_likelihood_ratio,
    predict,
    project,
)
from bpnp_ros.localizer.proposers.views.view_bank import blur, build_view_bank, histogram

FRUSTUM = CAMERA.frustum()


def moved(T_map_camera: torch.Tensor, v: list[float], w: list[float]) -> torch.Tensor:
    """The pose moved by v metres and turned by w radians in its own frame."""
    return T_map_camera @ make_transform(so3_exp(torch.tensor([w])), torch.tensor([v]))


def test_the_true_pose_has_more_evidence_than_poses_beside_it() -> None:
    for view in fresh_views(3, seed=20):
        beside = [
            moved(view.recentred, v, w)
            for v, w in (
                ([0.1, 0, 0], [0, 0, 0.0]),
                ([0, 0, 0.2], [0, 0, 0.0]),
                ([0.0] * 3, [0, 0.1, 0]),
            )
        ]
        poses = torch.cat([view.recentred, *beside])
        score = log_likelihood_ratio(predict(rooms(), poses, FRUSTUM), view.frame, view.frame.sigma)
        assert score.argmax() == 0
        assert score[0] > 30


def test_evidence_is_the_log_likelihood_ratio_of_its_definition() -> None:
    view = fresh_views(1, seed=21)[0]
    frame, prediction = replace(view.frame, clutter=0.3), predict(rooms(), view.recentred, FRUSTUM)
    sigma = 0.01
    squared = torch.cdist(frame.xy[None], prediction.xy).square()[0].double()
    normal = torch.exp(-squared / (2 * sigma**2)) / (2 * torch.pi * sigma**2)
    d = prediction.weight[0].double()
    gain = FRUSTUM.area * (normal * d).sum(1) / d.sum()
    expected = max(torch.log(c + (1 - c) * gain).sum() for c in CLUTTER_SHARES)
    assert torch.isclose(
        log_likelihood_ratio(prediction, frame, sigma)[0].double(), expected, rtol=1e-4
    )


def test_no_pose_is_worth_less_than_chance() -> None:
    """However many keypoints it leaves unexplained."""
    for view in fresh_views(3, seed=27):
        elsewhere = moved(view.recentred, [0.5, 0, 0], [0, 1.0, 0])
        seen = predict(rooms(), torch.cat([view.recentred, elsewhere]), FRUSTUM)
        assert (log_likelihood_ratio(seen, view.frame, view.frame.sigma) >= 0).all()


def test_points_behind_the_camera_or_beside_the_image_are_not_predicted() -> None:
    view = fresh_views(1, seed=22)[0]
    prediction = predict(rooms(), view.recentred, FRUSTUM)
    seen = prediction.xy[prediction.weight > 0].numpy()
    assert FRUSTUM.contains(seen).all()
    assert (prediction.in_camera[prediction.weight > 0][:, 2] > 0).all()


def test_a_point_straight_behind_the_camera_is_not_predicted() -> None:
    """Its image through a pinhole would lie in the middle."""
    behind = closed_hall().points[7]
    away = make_transform(torch.from_numpy(standing(0, 0, 0.0)[:3, :3]).float(), behind)
    away[0, 3] += 1.0
    prediction = predict(closed_hall(), away[None], FRUSTUM)
    assert 7 not in prediction.point[prediction.weight > 0]


def test_a_keypoint_far_from_every_point_is_explained_by_clutter_alone() -> None:
    view = fresh_views(1, seed=23)[0]
    prediction = predict(rooms(), view.recentred, FRUSTUM)
    ratio = explained(prediction, view.frame, 1e-4).sum(dim=2)
    assert (ratio < 1e-3).any()


def test_refinement_pulls_back_a_pose_that_is_a_decimetre_and_three_degrees_off() -> None:
    back = 0
    for view in fresh_views(8, seed=31):
        start = moved(view.recentred, [0.09, -0.03, 0.06], [0.012, 0.048, 0.0])
        sigmas = [0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01, view.frame.sigma, view.frame.sigma]
        refined = refine(rooms(), start, view.frame, sigmas)
        distance, angle = apart(refined, view.recentred[0])
        back += bool(distance < 0.02 and angle < 0.02)
    assert back >= 6


def test_a_histogram_keeps_the_weight_of_its_points() -> None:
    xy = torch.rand(2, 30, 2, generator=torch.Generator().manual_seed(0)) - 0.5
    weight = torch.rand(2, 30, generator=torch.Generator().manual_seed(1))
    cells = histogram(xy, weight, FRUSTUM)
    assert torch.allclose(cells.sum(1), weight.sum(1), rtol=1e-5)
    assert (blur(cells) >= 0).all()


def test_a_stored_view_is_the_blurred_histogram_of_what_its_pose_sees() -> None:
    bank = build_view_bank(rooms(), FRUSTUM, 300, CONFIG.clutter)
    seen = project(rooms(), bank.T_map_camera, FRUSTUM)
    density = blur(histogram(seen.xy, seen.weight, FRUSTUM))
    density = density / density.sum(dim=1, keepdim=True).clamp_min(1e-6) * density.shape[1]
    expected = torch.log(CONFIG.clutter + (1 - CONFIG.clutter) * density)
    assert torch.allclose(bank.log_ratio.float(), expected, atol=0.003)
    for view in fresh_views(3, seed=26):
        score = replace(bank, log_ratio=expected).best(view.frame.xy, 20)[1]
        assert torch.allclose(bank.best(view.frame.xy, 20)[1], score, atol=0.05)


def test_a_view_near_the_truth_is_among_the_best_stored_views() -> None:
    bank = build_view_bank(rooms(), FRUSTUM, CONFIG.bank_views, CONFIG.clutter)
    found = 0
    for view in fresh_views(6, seed=25):
        poses, score = bank.best(view.frame.xy, 256)
        distance, angle = apart(poses, view.recentred[0])
        found += bool(((distance < 0.6) & (angle < 0.26)).any())
        assert (score.diff() <= 0).all()
    assert found >= 4


def test_a_camera_can_be_where_it_was_drawn_but_not_upside_down_or_outside() -> None:
    space = rooms().places
    drawn, _ = space.sample(200, torch.Generator().manual_seed(0))
    assert space.holds(drawn).all()
    assert not space.holds(moved(drawn, [0.0, 0, 0], [0, 0, 3.1])).any()
    assert not space.holds(moved(drawn, [0.0, -9, 0], [0.0, 0, 0])).any()


def test_the_same_seed_draws_the_same_poses() -> None:
    space = rooms().places
    one, _ = space.sample(20, torch.Generator().manual_seed(7))
    other, _ = space.sample(20, torch.Generator().manual_seed(7))
    assert torch.equal(one, other)
