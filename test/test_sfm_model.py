"""Structure-from-motion models from both kinds of file, and parts of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from colmap_scene import (
    IMAGES,
    POINTS,
    SCENE,
    WIDTH,
    reprojection_error,
    scene_arrays,
    write_binary,
)
from shared_data import SHARED, needs_shared_data

from bpnp_ros.errors import MapError
from bpnp_ros.geometry.transform import invert
from bpnp_ros.keypoints.lens import image_frustum
from bpnp_ros.point_map.loading import load_map, needs_scale
from bpnp_ros.point_map.sfm.sfm_model import SfmModel


def test_a_scene_in_one_file_gives_the_same_points_poses_and_matches(tmp_path: Path) -> None:
    np.savez(tmp_path / "scene.npz", **scene_arrays())
    scene = SfmModel.from_npz(tmp_path / "scene.npz")
    colmap = SfmModel.from_colmap(write_binary(tmp_path))
    rows = np.argsort(SCENE.numbers)  # COLMAP's points come in the order of their numbers
    np.testing.assert_allclose(scene.points[rows], colmap.points)
    np.testing.assert_allclose(scene.T_map_camera, colmap.T_map_camera, atol=1e-12)
    np.testing.assert_array_equal(scene.track_length[rows], colmap.track_length)
    assert scene.cameras[0].K[0, 2] == WIDTH / 2


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("R", np.zeros((IMAGES, 4)), "shape of R is"),
        ("t", np.zeros((2, 3)), "shape of t is"),
        ("fx", np.zeros(IMAGES), "focal length"),
        ("kp_offsets", np.arange(IMAGES + 1), "kp_offsets does not divide"),
        ("kp_point3d", np.full(sum(map(len, SCENE.shown)), POINTS), "beyond the 60"),
    ],
)
def test_a_scene_that_does_not_fit_together_is_refused(
    name: str, value: np.ndarray, complaint: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "scene.npz", **{**scene_arrays(), name: value})
    with pytest.raises(MapError, match=complaint):
        SfmModel.from_npz(tmp_path / "scene.npz")


def test_a_scene_without_an_array_is_refused(tmp_path: Path) -> None:
    arrays = scene_arrays()
    del arrays["kp_xy"]
    np.savez(tmp_path / "scene.npz", **arrays)
    with pytest.raises(MapError, match="without the arrays kp_xy"):
        SfmModel.from_npz(tmp_path / "scene.npz")


@pytest.fixture
def model(tmp_path: Path) -> SfmModel:
    return SfmModel.from_colmap(write_binary(tmp_path))


def observers(point: np.ndarray, images: list[int]) -> int:
    row = int(np.flatnonzero((SCENE.points == point).all(axis=1))[0])
    return sum(row in SCENE.shown[image] for image in images)


def test_a_subset_holds_what_its_own_images_saw_often_enough(model: SfmModel) -> None:
    images = [4, 0, 2]
    part = model.subset(images, min_observations=2)
    expected = [observers(point, images) for point in model.points]
    assert len(part) == sum(count >= 2 for count in expected)
    np.testing.assert_array_equal(part.track_length, [c for c in expected if c >= 2])
    assert part.image_names == ("photo 4.jpg", "photo 0.jpg", "photo 2.jpg")
    assert reprojection_error(part) < 1e-6
    assert len(part.keypoints) == sum(len(SCENE.shown[image]) for image in images)


def test_test_images_can_be_laid_over_the_points_of_the_mapping_images(model: SfmModel) -> None:
    keep = model.with_images([0, 2, 4]).track_length >= 2
    mapping = model.subset([0, 2, 4])
    test = model.with_images([1, 3]).with_points(keep)
    np.testing.assert_array_equal(test.points, mapping.points)
    assert reprojection_error(test) < 1e-6
    matched_before = (model.with_images([1, 3]).keypoint_point >= 0).sum()
    assert 0 < (test.keypoint_point >= 0).sum() < matched_before


def test_images_that_are_left_out_change_nothing(model: SfmModel) -> None:
    perturbed = model.T_map_camera.copy()
    perturbed[1] += 1
    other = replace(model, T_map_camera=perturbed)
    images = [0, 2, 4]
    np.testing.assert_array_equal(
        model.subset(images).detectability, other.subset(images).detectability
    )


def test_detectability_is_the_share_of_the_images_in_view_that_saw_the_point(
    model: SfmModel,
) -> None:
    T_camera_map = invert(torch.from_numpy(model.T_map_camera)).numpy()
    frustum = image_frustum(model.cameras[0])
    for point, chance in zip(model.points, model.detectability, strict=True):
        in_camera = T_camera_map[:, :3, :3] @ point + T_camera_map[:, :3, 3]
        in_view = frustum.contains(in_camera[:, :2] / in_camera[:, 2:]).sum()
        assert chance == pytest.approx(max(observers(point, list(range(IMAGES))), 1) / in_view)


def test_a_colmap_folder_is_a_map_whose_rows_are_the_points(tmp_path: Path) -> None:
    folder = write_binary(tmp_path)
    point_map, model = load_map(folder, scale=2.0), SfmModel.from_colmap(folder)
    np.testing.assert_allclose(point_map.points + point_map.origin, 2 * model.points, atol=1e-5)
    np.testing.assert_array_equal(point_map.detectability, model.detectability)
    assert reprojection_error(model.scaled(2.0)) < 1e-6


def test_models_from_structure_from_motion_need_a_scale(tmp_path: Path) -> None:
    np.savez(tmp_path / "scene.npz", **scene_arrays())
    assert needs_scale(tmp_path / "scene.npz")
    assert needs_scale(write_binary(tmp_path))


def test_points_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    arrays = scene_arrays()
    arrays["points3d"] = SCENE.points.copy()
    arrays["points3d"][7] = np.nan
    np.savez(tmp_path / "scene.npz", **arrays)
    model = SfmModel.from_npz(tmp_path / "scene.npz")
    assert len(model) == POINTS - 1
    np.testing.assert_array_equal(model.points[7], SCENE.points[8])


@needs_shared_data
@pytest.mark.parametrize("name", ["sfm/kermit", "sfm/splatam_640", "bags/redkitchen_dev_keypoints"])
def test_a_real_scene_agrees_with_its_own_keypoints(name: str) -> None:
    model = SfmModel.from_npz(SHARED / f"{name}.npz")
    errors = []
    for image, camera in enumerate(model.cameras):
        xy, shown = model.keypoints_of(image)
        R, position = model.T_map_camera[image, :3, :3], model.T_map_camera[image, :3, 3]
        in_camera = (model.points[shown[shown >= 0]] - position) @ R
        error = in_camera[:, :2] / in_camera[:, 2:] - xy[shown >= 0]
        errors.append(np.linalg.norm(error, axis=1) / camera.frustum().pixel)
        assert image_frustum(camera).contains(xy, margin=1e-3).mean() > 0.99
    assert np.median(np.concatenate(errors)) < 1.5


def test_a_scene_in_one_file_may_say_what_its_keypoints_look_like(tmp_path: Path) -> None:
    arrays, M = scene_arrays(), sum(map(len, SCENE.shown))
    size, angle = np.full(M, 9.0), np.full(M, 0.5)
    size[:3] = 0, -1, np.inf
    looks = {"kp_size": size, "kp_angle": angle, "kp_sign": np.ones(M, int)}
    looks["kp_rgb"] = np.full((M, 3), 200, np.uint8)
    np.savez(tmp_path / "scene.npz", **{**arrays, **looks})
    scene = SfmModel.from_npz(tmp_path / "scene.npz")
    assert np.isnan(scene.keypoint_cues["size"][:3]).all()
    assert (
        set(scene.keypoint_cues) == set(scene.point_map().cues) == {"size", "angle", "rgb", "sign"}
    )


@pytest.mark.parametrize("cue", ["kp_size", "kp_angle", "kp_sign", "kp_rgb"])
def test_cues_of_other_keypoints_are_refused(tmp_path: Path, cue: str) -> None:
    np.savez(tmp_path / "scene.npz", **{**scene_arrays(), cue: np.ones(3)})
    with pytest.raises(MapError, match=cue):
        SfmModel.from_npz(tmp_path / "scene.npz")
