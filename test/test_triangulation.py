"""Points placed by some of the photographs alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from orbit import orbit

from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from bpnp_ros.point_map.sfm.triangulation import triangulated


def misplaced(model: SfmModel) -> SfmModel:
    """The same photographs; where the points are said to be is nonsense, but their order."""
    return replace(model, points=np.arange(3.0 * len(model)).reshape(-1, 3))


def test_points_come_from_the_photographs_and_not_from_where_they_were() -> None:
    model = orbit()
    found = triangulated(misplaced(model))
    assert len(found) == len(model)
    distance = np.linalg.norm(found.points - model.points, axis=1)
    assert np.median(distance) < 0.003 and distance.max() < 0.05


def test_a_point_that_one_photograph_saw_is_left_out() -> None:
    model = orbit()
    shown = model.keypoint_point.copy()
    rows = np.flatnonzero(shown == 7)
    shown[rows[1:]] = -1
    found = triangulated(replace(model, keypoint_point=shown))
    assert len(found) == len(model) - 1
    assert np.linalg.norm(found.points - model.points[7], axis=1).min() > 0.02


def test_a_point_whose_keypoints_disagree_is_left_out() -> None:
    model = orbit()
    keypoints = model.keypoints.copy()
    keypoints[np.flatnonzero(model.keypoint_point == 7)[::2]] += 0.05
    assert len(triangulated(replace(model, keypoints=keypoints))) == len(model) - 1


def test_photographs_from_one_spot_place_nothing() -> None:
    model = orbit(images=3)
    first, second = (slice(*model.keypoint_offsets[i : i + 2]) for i in (0, 0))
    twice = replace(
        model,
        T_map_camera=model.T_map_camera[[0, 0]],
        cameras=model.cameras[:2],
        image_names=model.image_names[:2],
        keypoint_offsets=model.keypoint_offsets[1] * np.arange(3),
        keypoints=np.concatenate([model.keypoints[first], model.keypoints[second]]),
        keypoint_point=np.concatenate([model.keypoint_point[first], model.keypoint_point[second]]),
    )
    assert len(triangulated(twice)) == 0


def test_keypoints_still_show_their_points() -> None:
    model = orbit()
    thinned = model.with_points(np.arange(len(model)) % 2 == 0)
    found = triangulated(misplaced(thinned))
    for image in range(model.image_count):
        xy, shown = found.keypoints_of(image)
        T, seen = found.T_map_camera[image], shown >= 0
        in_camera = (found.points[shown[seen]] - T[:3, 3]) @ T[:3, :3]
        assert np.abs(in_camera[:, :2] / in_camera[:, 2:] - xy[seen]).max() < 0.01
