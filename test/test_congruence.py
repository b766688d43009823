"""A few landmarks that stand in the same figure elsewhere leave a frame without an answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from halls import recentred
from landmarks import CAMERA, Array, held

from bpnp_ros import Localizer, LocalizerConfig, keypoints_from_pixels
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform, transform_points
from bpnp_ros.localizer.alike.congruence import congruent_motions
from bpnp_ros.localizer.alike.look_alikes import with_look_alikes
from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.map_model.aliases import find_aliases

TAG = 0.15 * np.array([[0, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1]], float)
ASKEW = so3_exp(torch.tensor([0.5, 0.0, 0.0])).numpy()
TURNED = so3_exp(torch.tensor([0.1, 0.2, 1.9])).numpy()


def tag(*corner: float) -> Array:
    return TAG + np.array(corner)


def two_tags() -> Array:
    """(8, 3): corners on the wall x = 0; one hangs askew, so that they have an upper side."""
    return np.concatenate([tag(0, 0, 1.2), TAG @ ASKEW.T + [0, 0.7, 1.5]])


def hall(with_copy: bool) -> Array:
    """The two tags, rows 0 to 7, a copy of both elsewhere, and single tags all about."""
    rng = np.random.default_rng(0)
    copy = [two_tags() @ TURNED.T + np.array([9.0, 4.0, 0.5])] if with_copy else []
    others = [tag(*rng.uniform([2, 0, 0.5], [12, 8, 2.5])) for _ in range(12)]
    return np.concatenate([two_tags(), *copy, *others])


def motions(points: Array, rows: int = 8, slack: float = 0.01) -> torch.Tensor:
    return congruent_motions(torch.from_numpy(points).float(), torch.arange(rows), slack, 32)


def leads_to_the_copy(T: torch.Tensor) -> bool:
    carried = transform_points(T, torch.from_numpy(two_tags()).float()[None])
    copy = torch.from_numpy(hall(True)[8:16]).float()
    return bool(((carried - copy).norm(dim=2).amax(dim=1) < 0.01).any())


def test_a_cluster_that_stands_elsewhere_too_is_found_there() -> None:
    assert leads_to_the_copy(motions(hall(True)))
    assert not leads_to_the_copy(motions(hall(False)))


def test_two_tags_alone_are_no_alias_of_the_map() -> None:
    """Which is why they are looked for by what a frame shows of them."""
    points = torch.from_numpy(hall(True)).float()
    motion = make_transform(torch.from_numpy(TURNED).float(), torch.tensor([9.0, 4.0, 0.5]))
    found = find_aliases(points, 3.0)
    carried = transform_points(found.motion, found.centre[:, None])[:, 0]
    near = (found.centre - points[:8].mean(dim=0)).norm(dim=1) < 1
    misses = (carried - transform_points(motion, found.centre)).norm(dim=1)
    assert not (near & (misses < 0.05)).any()


def test_a_mirror_image_is_no_copy() -> None:
    points = np.random.default_rng(1).uniform(0, 2, (8, 3))
    mirrored = points * [-1.0, 1, 1] + [9.0, 0, 0]
    found = motions(np.concatenate([points, mirrored]))
    moved = (transform_points(found, found.new_zeros(len(found), 1, 3))).norm(dim=2)
    assert len(found) and (moved < 1).all()


@pytest.mark.parametrize("points", [np.eye(3)[:2], np.arange(8.0)[:, None] * np.ones(3)])
def test_what_lies_on_a_line_has_no_figure(points: Array) -> None:
    assert len(motions(points, len(points))) == 0


def test_a_pose_before_two_tags_has_a_rival_before_their_copy() -> None:
    points = hall(True)
    config = LocalizerConfig(motion="free")
    localizer = Localizer.from_map(points, config=config)
    model = localizer.map_model
    T = held("forward", 3.0, np.array([1.6, 0.4, 1.4]), np.zeros(2))
    in_camera = (points[:8] - T[:3, 3]) @ T[:3, :3]
    frame = localizer.frame_of(
        keypoints_from_pixels((in_camera / in_camera[:, 2:]) @ CAMERA.K[:2].T, CAMERA)
    )
    motion = np.eye(4)
    motion[:3, :3], motion[:3, 3] = TURNED, [9.0, 4.0, 0.5]
    here, there = (recentred(model, pose) for pose in (T, motion @ T))
    found = with_look_alikes(model, Candidates.of(here, "test"), frame, 32).T_map_camera
    metres, radians = apart(found, there[0])
    assert ((metres < 0.02) & (radians < 0.02)).any()
