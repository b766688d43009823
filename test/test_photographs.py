"""Photographs held back from a scene: the map that is searched for them knows nothing of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from orbit import orbit, write_scene

from bpnp_ros.keypoints.keypoints import keypoints_from_pixels
from bpnp_ros.point_map.sfm.split import MEDIAN_DEPTH
from experiments.photographs import PhotographScene, load_photographs, nearest_mapping
from experiments.real_photographs import Answers, figures

TESTS = [2, 7, 12, 17, 22]


def scene(folder: Path) -> PhotographScene:
    return load_photographs(write_scene(orbit(), folder / "scene.npz"))


def test_what_the_held_back_photographs_saw_does_not_change_the_map(tmp_path: Path) -> None:
    model = orbit()
    keypoints = model.keypoints.copy()
    for image in TESTS:
        keypoints[slice(*model.keypoint_offsets[image : image + 2])] = 0.1
    blinded = replace(model, keypoints=keypoints, points=model.points + 1)
    mapping = load_photographs(write_scene(blinded, tmp_path / "blinded.npz")).mapping
    assert np.array_equal(mapping.points, scene(tmp_path).mapping.points)
    assert mapping.image_count == model.image_count - len(TESTS)


def test_the_map_is_in_metres_of_its_own_median_depth(tmp_path: Path) -> None:
    split = scene(tmp_path)
    assert np.isclose(split.mapping.median_depth, MEDIAN_DEPTH)
    truth = np.stack([test.T_map_camera for test in split.tests])[:, :3, 3]
    assert np.allclose(truth, split.scale * orbit().T_map_camera[TESTS, :3, 3])


def test_neither_order_nor_score_of_a_keypoint_says_whether_it_shows_a_point(
    tmp_path: Path,
) -> None:
    split, model = scene(tmp_path), orbit()
    for test, image in zip(split.tests, TESTS, strict=True):
        xy, shown = model.keypoints_of(image)
        pixels = xy @ split.camera.K[:2, :2].T + split.camera.K[:2, 2]
        row = np.linalg.norm(test.keypoints[:, None, :2] - pixels, axis=2).argmin(axis=1)
        assert sorted(row) == list(range(len(xy)))
        matched = shown[row] >= 0
        assert abs(np.corrcoef(matched, np.arange(len(row)))[0, 1]) < 0.25
        assert abs(np.corrcoef(matched, test.keypoints[:, 2])[0, 1]) < 0.25


def test_every_keypoint_of_a_photograph_is_inside_the_common_camera(tmp_path: Path) -> None:
    split = scene(tmp_path)
    for test in split.tests:
        used = keypoints_from_pixels(test.keypoints[:, :2].astype(np.float64), split.camera)
        assert len(used) == len(test.keypoints)


def test_unanswered_photographs_count_as_not_found_and_wrong_poses_as_wrong(
    tmp_path: Path,
) -> None:
    split = scene(tmp_path)
    poses = np.stack([test.T_map_camera for test in split.tests])
    poses[0] = np.nan
    poses[1, :3, 3] += 1.0
    words = ["NOT_VERIFIED", *["likelihood_search"] * 4]
    result = figures(split, Answers(poses, words, [1.0] * 5))
    assert (result["recall"], result["published"], result["wrong"]) == (0.6, 4, 1)


def test_the_nearest_mapping_photograph_is_a_neighbour(tmp_path: Path) -> None:
    split = scene(tmp_path)
    places = split.scale * orbit().T_map_camera[:, :3, 3]
    for pose, image in zip(nearest_mapping(split), TESTS, strict=True):
        neighbours = places[[image - 1, image + 1]]
        assert np.linalg.norm(neighbours - pose[:3, 3], axis=1).min() < 1e-6
