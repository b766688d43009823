"""What mapping photographs say of where a camera can be and what it sees there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from orbit import CAMERA, DETECTED, orbit

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.errors import MapError
from bpnp_ros.evaluation.metrics import Tolerance, pose_errors
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.localizer.candidates import Candidates, apart_each
from bpnp_ros.localizer.evidence.rivalry import compete
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.from_photographs import model_from_photographs
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import FURTHEST
from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from bpnp_ros.weights.bundle import MapBundle

HELD_BACK = np.arange(2, 24, 5)


def chances(model: MapModel) -> np.ndarray:
    """(A, N): the chance of each point at each anchor."""
    space = model.places
    table = torch.zeros(len(space.anchors), len(model.point_map))
    return table.scatter_add_(1, space.seen, space.chance).numpy()


def photograph(model: SfmModel, image: int) -> Keypoints:
    xy, _ = model.keypoints_of(image)
    ones = np.ones(len(xy), np.float32)
    return Keypoints(xy, ones, np.arange(len(xy)), CAMERA.frustum())


def test_every_mapping_camera_is_a_place_where_a_camera_can_be() -> None:
    scene = orbit()
    model = model_from_photographs(scene)
    poses = torch.from_numpy(scene.T_map_camera).clone()
    poses[:, :3, 3] -= torch.from_numpy(model.point_map.origin)
    assert model.places.holds(poses.float()).all()
    backwards = torch.diag(torch.tensor([-1.0, 1, -1]))
    turned_away = poses @ make_transform(backwards, torch.zeros(3)).double()
    assert not model.places.holds(turned_away.float()).any()


def test_as_many_views_are_drawn_near_a_photograph_as_far_from_it() -> None:
    space = model_from_photographs(orbit()).places
    poses, anchor = space.sample(2000, torch.Generator().manual_seed(0))
    assert space.orientations is not None
    metres, radians = apart_each(poses, make_transform(space.orientations, space.anchors)[anchor])
    away = ((metres / space.reach[0]).square() + (radians / space.tilt).square()).sqrt()
    shares = [
        float((away < share * FURTHEST).double().mean()) for share in (0.25, 0.5, 0.75, 1.001)
    ]
    assert shares == pytest.approx([0.25, 0.5, 0.75, 1.0], abs=0.04)


def test_chances_are_shares_of_the_photographs_alike_that_detected_a_point() -> None:
    scene = orbit()
    chance = chances(model_from_photographs(scene))
    seen = chance[chance > 0]
    assert DETECTED - 0.25 < np.median(seen) < DETECTED
    never = np.setdiff1d(np.arange(len(scene)), scene.keypoint_point)
    assert (chance[:, never] == 0).all()


def test_a_point_that_only_one_side_sees_is_expected_only_there() -> None:
    scene = orbit()
    blind = scene.keypoint_point.copy()
    hidden_after = scene.keypoint_offsets[12]
    blind[hidden_after:][blind[hidden_after:] < 50] = -1
    chance = chances(model_from_photographs(SfmModel(**{**vars(scene), "keypoint_point": blind})))
    assert chance[:6, :50].mean() > 5 * chance[18:, :50].mean()


def test_only_the_most_detectable_points_of_an_anchor_are_kept() -> None:
    whole, thinned = (chances(model_from_photographs(orbit(), most)) for most in (1024, 100))
    for everything, kept in zip(whole, thinned, strict=True):
        assert 0 < (kept > 0).sum() <= 105
        assert everything[kept == 0].max() <= kept[kept > 0].min() + 1e-6


def test_too_few_photographs_are_refused() -> None:
    with pytest.raises(MapError, match="3 photographs"):
        model_from_photographs(orbit().with_images([0, 1, 2]))


def test_poses_are_told_apart_by_the_depth_of_what_is_seen() -> None:
    scene = orbit()
    model, far = model_from_photographs(scene), scene.T_map_camera[12].copy()
    far[:3, 3] *= 3
    seen = scene.points[:200] @ far[:3, :3] - far[:3, 3] @ far[:3, :3]
    keypoints = Keypoints(
        (seen[:, :2] / seen[:, 2:]).astype(np.float32),
        np.ones(200, np.float32),
        np.arange(200),
        CAMERA.frustum(),
    )
    frame = Localizer(model, None, LocalizerConfig()).frame_of(keypoints)
    T = torch.from_numpy(far).clone()
    T[:3, 3] -= torch.from_numpy(model.point_map.origin)
    rivalry = compete(model, Candidates.of(T[None].float(), "truth"), frame, LocalizerConfig())
    assert rivalry.depth(model) == pytest.approx(np.linalg.norm(seen, axis=1).mean(), rel=0.1)
    assert rivalry.depth(model) > 2 * model.depth


def test_held_back_photographs_are_found_in_the_map_of_the_others(tmp_path: Path) -> None:
    scene = orbit()
    mapping = scene.subset(np.setdiff1d(np.arange(scene.image_count), HELD_BACK))
    bundle = MapBundle(model_from_photographs(mapping), None, {})
    bundle.save(tmp_path / "map.safetensors")
    model = MapBundle.load(tmp_path / "map.safetensors").model
    config = LocalizerConfig(use_tracker=False, bank_views=4000)
    localizer = Localizer(model, None, config)
    answers = [
        localizer.localize(photograph(scene, image), stamp=0.0) for image in HELD_BACK.tolist()
    ]
    found = [answer.T_map_camera for answer in answers if isinstance(answer, Fix)]
    assert len(found) == len(HELD_BACK)
    errors = pose_errors(scene.T_map_camera[HELD_BACK], np.stack(found))
    assert errors.within(Tolerance(0.05, 1.0)).all()
