"""Stored views are ranked by what they explain, cues included, and no two kept ones are alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from landmarks import CAMERA
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.keypoints.keypoints import keypoints_from_pixels
from bpnp_ros.localizer.candidates import apart
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import project
from bpnp_ros.localizer.proposers.views.frame_field import FrameField
from bpnp_ros.localizer.proposers.views.view_bank import build_view_bank
from bpnp_ros.localizer.proposers.views.view_ranking import ALIKE, climb, rank_views
from bpnp_ros.map_model.from_points import model_from_points
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.point_map.point_map import PointMap

CPU = torch.device("cpu")


def a_room() -> MapModel:
    points = np.random.default_rng(0).uniform((-5, -5, 0), (5, 5, 3), (400, 3))
    return model_from_points(points, LocalizerConfig(motion="floor"), CPU)


def views(model: MapModel, count: int = 500) -> Tensor:
    return model.view_space.sample(count, torch.Generator().manual_seed(1))[0]


def richest(model: MapModel, stored: Tensor) -> list[int]:
    """Rows of the three views that show most."""
    frustum = keypoints_from_pixels(np.full((9, 2), 9.0) + np.arange(9)[:, None], CAMERA).frustum
    return project(model, stored, frustum).weight.sum(dim=1).topk(3).indices.tolist()


def frame_from(model: MapModel, T_map_camera: Tensor) -> tuple[Frame, np.ndarray]:
    """Points seen from a pose, and which rows of the map they are."""
    pose = T_map_camera.double().numpy()
    in_camera = (model.points.double().numpy() - pose[:3, 3]) @ pose[:3, :3]
    pixels = (in_camera / in_camera[:, 2:]) @ CAMERA.K[:2].T
    rows = np.flatnonzero((in_camera[:, 2] > 0.5) & CAMERA.image_contains(pixels))
    keypoints = keypoints_from_pixels(pixels[rows], CAMERA)
    return Frame.of(keypoints, 1.5, 0.5, CPU), rows[keypoints.index]


def test_the_view_that_the_frame_was_taken_from_comes_first() -> None:
    model = a_room()
    stored = views(model)
    for number in richest(model, stored):
        frame, _ = frame_from(model, stored[number])
        assert torch.equal(rank_views(model, stored, frame, 10)[0], stored[number])


def test_no_two_kept_views_are_alike() -> None:
    model = a_room()
    stored = views(model, 40).repeat_interleave(10, dim=0)
    frame, _ = frame_from(model, stored[richest(model, stored)[0]])
    kept = rank_views(model, stored, frame, 30)
    assert len(kept) == 30
    for row, pose in enumerate(kept):
        metres, radians = apart(kept[row + 1 :], pose)
        assert ((metres > ALIKE * model.depth / 2) | (radians > ALIKE / 2)).all()


def test_cues_rank_the_views_too() -> None:
    model = a_room()
    stored = views(model)
    shown = stored[richest(model, stored)[2]]
    frame, rows = frame_from(model, shown)
    chosen = np.random.default_rng(2).permutation(len(rows))[: len(rows) // 12]
    noise = torch.rand(len(rows), 2, generator=torch.Generator().manual_seed(3)) - 0.5
    xy = noise * torch.tensor([1.0, 0.7])
    xy[chosen] = frame.xy[chosen]  # a twelfth of the keypoints show points
    told = torch.full((len(rows), len(model.points)), -1.0)
    told[chosen, rows[chosen]] = 4.0
    blurred = replace(frame, xy=xy)

    def rank(of: Frame) -> int:
        kept = rank_views(model, stored, of, 400)
        return int((kept == shown).all(dim=(1, 2)).nonzero()[0])

    assert rank(replace(blurred, pairs=told)) < rank(blurred)


def test_a_view_climbs_to_where_it_explains_more() -> None:
    model = a_room()
    stored = views(model)
    shown = stored[richest(model, stored)[0]]
    frame, _ = frame_from(model, shown)
    field = FrameField.of(model, frame)
    offset = torch.tensor([0.09, -0.05, 0.07, 0.05, -0.07, 0.04])
    offset[:3] *= model.depth
    beside = shown @ make_transform(so3_exp(offset[3:]), offset[:3])
    metres, radians = apart(climb(field, beside[None], seed=0), shown)
    assert float((metres / model.depth + radians).min()) < 0.5 * float(offset[3:].norm() + 0.12)
    assert field.nats(shown[None]) > field.nats(beside[None]) + 10


def test_many_points_with_cues_are_looked_up_on_a_coarser_grid() -> None:
    model = a_room()
    frame, _ = frame_from(model, views(model)[richest(model, views(model))[0]])
    told = replace(frame, pairs=torch.zeros(len(frame.xy), len(model.points)))
    plain, with_cues = (FrameField.of(model, of) for of in (frame, told))
    stored = views(model, 50)
    assert torch.allclose(plain.nats(stored), with_cues.nats(stored), atol=1e-3)
    crowd = replace(told, pairs=torch.zeros(1, 1).expand(len(frame.xy), 40_000))
    large = replace(
        model, point_map=PointMap.recentred(np.zeros((40_000, 3)) + np.eye(3, 40_000).T)
    )
    assert FrameField.of(large, crowd).columns < with_cues.columns


def test_a_place_that_sees_nothing_has_views_all_the_same() -> None:
    model = a_room()
    seen = torch.arange(len(model.points)).repeat(2, 1)
    chance = torch.ones_like(seen, dtype=torch.float32)
    chance[0] = 0
    space = ViewSpace(torch.zeros(2, 3), seen, chance, torch.ones(3), 0.1)
    frame, _ = frame_from(model, views(model)[richest(model, views(model))[0]])
    bank = build_view_bank(replace(model, view_space=space), frame.frustum, 300, 0.5)
    poses, score = bank.best(frame.xy, 300)
    assert len(poses) == 300 and score.isfinite().all()
