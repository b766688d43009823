"""Structure-from-motion models from both kinds of file, and parts of them."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bpnp_ros.errors import MapError
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.geometry.rotation import quaternion_from_matrix, so3_exp
from bpnp_ros.geometry.transform import invert
from bpnp_ros.keypoints.lens import image_frustum, project
from bpnp_ros.point_map.colmap import CAMERA_MODELS
from bpnp_ros.point_map.loading import load_map, needs_scale
from bpnp_ros.point_map.sfm_model import SfmModel

WIDTH, HEIGHT, IMAGES, POINTS = 640, 480, 5, 60
PARAMS = (500.0, 505.0, 320.5, 240.5, -0.1, 0.02, 1e-3, -1e-3)
CAMERA = Camera(
    np.array([[500.0, 0, 320], [0, 505, 240], [0, 0, 1]]), WIDTH, HEIGHT, "plumb_bob", PARAMS[4:]
)
UNMATCHED = 3  # keypoints an image that show no point


class Scene:
    """Five cameras on a line that look at a slab of points; COLMAP's numbers are not rows."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.points = rng.uniform([-2, -1.5, 4], [2, 1.5, 6], (POINTS, 3))
        self.numbers = 10 + 3 * rng.permutation(POINTS)
        self.R = so3_exp(torch.from_numpy(rng.uniform(-0.1, 0.1, (IMAGES, 3)))).numpy()
        centre = np.column_stack([np.linspace(-1, 1, IMAGES), np.zeros((IMAGES, 2))])
        self.t = -(self.R @ centre[..., None])[..., 0]
        self.pixels: list[np.ndarray] = []
        self.shown: list[np.ndarray] = []
        for R, t in zip(self.R, self.t, strict=True):
            pixels = project(self.points @ R.T + t, CAMERA)
            rows = np.flatnonzero(CAMERA.image_contains(pixels) & (rng.random(POINTS) < 0.7))
            clutter = rng.uniform(0, HEIGHT, (UNMATCHED, 2))
            self.pixels.append(np.vstack([pixels[rows], clutter]))
            self.shown.append(np.append(rows, [-1] * UNMATCHED))

    def pose(self, image: int) -> list[float]:
        x, y, z, w = quaternion_from_matrix(torch.from_numpy(self.R[image])).tolist()
        return [w, x, y, z, *self.t[image].tolist()]

    def keypoints(self, image: int) -> list[tuple[float, float, int]]:
        """As COLMAP stores them: pixel centres at +0.5, numbers of points, -1 for none."""
        ids = [int(self.numbers[row]) if row >= 0 else -1 for row in self.shown[image]]
        pixels = (self.pixels[image] + 0.5).tolist()
        return [(u, v, n) for (u, v), n in zip(pixels, ids, strict=True)]


SCENE = Scene()


def write_text(folder: Path, model: str = "OPENCV", params: tuple[float, ...] = PARAMS) -> Path:
    words = " ".join(map(repr, params))
    (folder / "cameras.txt").write_text(f"# cameras\n7 {model} {WIDTH} {HEIGHT} {words}\n")
    lines = ["# images"]
    for image in range(IMAGES):
        pose = " ".join(map(repr, SCENE.pose(image)))
        lines.append(f"{image + 1} {pose} 7 photo {image}.jpg")
        lines.append(" ".join(f"{u!r} {v!r} {n}" for u, v, n in SCENE.keypoints(image)))
    (folder / "images.txt").write_text("\n".join(lines) + "\n")
    rows = zip(SCENE.numbers, SCENE.points.tolist(), strict=True)
    points = "".join(f"{n} {x!r} {y!r} {z!r} 1 2 3 0.5 1 0\n" for n, (x, y, z) in rows)
    (folder / "points3D.txt").write_text(points)
    return folder


def write_binary(folder: Path, camera_model: int = 4) -> Path:
    camera = struct.pack("<QIiQQ8d", 1, 7, camera_model, WIDTH, HEIGHT, *PARAMS)
    (folder / "cameras.bin").write_bytes(camera)
    images = [struct.pack("<Q", IMAGES)]
    for image in range(IMAGES):
        images.append(struct.pack("<I7dI", image + 1, *SCENE.pose(image), 7))
        keypoints = SCENE.keypoints(image)
        images.append(f"photo {image}.jpg".encode() + b"\0" + struct.pack("<Q", len(keypoints)))
        images.extend(struct.pack("<2dq", *keypoint) for keypoint in keypoints)
    (folder / "images.bin").write_bytes(b"".join(images))
    points = [struct.pack("<Q", POINTS)]
    for number, xyz in zip(SCENE.numbers, SCENE.points, strict=True):
        points.append(struct.pack("<Q3d3BdQ4I", number, *xyz, 1, 2, 3, 0.5, 2, 1, 0, 2, 0))
    (folder / "points3D.bin").write_bytes(b"".join(points))
    return folder


def scene_arrays() -> dict[str, Any]:
    return {
        "points3d": SCENE.points,
        "R": SCENE.R,
        "t": SCENE.t,
        "fx": np.full(IMAGES, 500.0),
        "width": np.full(IMAGES, WIDTH),
        "height": np.full(IMAGES, HEIGHT),
        "kp_offsets": np.cumsum([0, *map(len, SCENE.shown)]),
        "kp_xy": np.zeros((sum(map(len, SCENE.shown)), 2), np.float32),
        "kp_point3d": np.concatenate(SCENE.shown),
    }


def reprojection_error(model: SfmModel) -> float:
    """Largest distance on the z = 1 plane between a keypoint and the point that it shows."""
    worst = 0.0
    for image, T_map_camera in enumerate(model.T_map_camera):
        xy, shown = model.keypoints_of(image)
        matched = shown >= 0
        points = model.points[shown[matched]]
        in_camera = (points - T_map_camera[:3, 3]) @ T_map_camera[:3, :3]
        difference = in_camera[:, :2] / in_camera[:, 2:] - xy[matched]
        worst = max(worst, float(np.abs(difference).max(initial=0)))
    return worst


@pytest.mark.parametrize("write", [write_text, write_binary], ids=["text", "binary"])
def test_a_colmap_model_agrees_with_its_own_keypoints(write: Any, tmp_path: Path) -> None:
    model = SfmModel.from_colmap(write(tmp_path))
    assert (len(model), model.image_count) == (POINTS, IMAGES)
    assert model.image_names == tuple(f"photo {image}.jpg" for image in range(IMAGES))
    assert (model.keypoint_point == -1).sum() == IMAGES * UNMATCHED
    assert reprojection_error(model) < 1e-6
    np.testing.assert_allclose(model.cameras[0].K, CAMERA.K)
    assert (model.colors == [1, 2, 3]).all()


def test_the_model_is_found_in_sparse_0(tmp_path: Path) -> None:
    folder = tmp_path / "sparse" / "0"
    folder.mkdir(parents=True)
    write_binary(folder)
    assert SfmModel.from_colmap(tmp_path).image_count == IMAGES


def test_an_image_without_keypoints_keeps_its_place(tmp_path: Path) -> None:
    write_text(tmp_path)
    lines = (tmp_path / "images.txt").read_text().splitlines()
    lines[-1] = ""
    (tmp_path / "images.txt").write_text("\n".join(lines))
    model = SfmModel.from_colmap(tmp_path)
    assert model.image_count == IMAGES
    assert len(model.keypoints_of(IMAGES - 1)[0]) == 0


@pytest.mark.parametrize("name", ["cameras", "images", "points3D"])
def test_a_missing_or_damaged_table_is_named(name: str, tmp_path: Path) -> None:
    table = write_binary(tmp_path) / f"{name}.bin"
    whole = table.read_bytes()
    table.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MapError, match=f"{name}.bin was cut off"):
        SfmModel.from_colmap(tmp_path)
    table.write_bytes(b"\xff" * 300)
    with pytest.raises(MapError, match=f"{name}.bin was cut off|unknown model number"):
        SfmModel.from_colmap(tmp_path)
    table.unlink()
    with pytest.raises(MapError, match=name):
        SfmModel.from_colmap(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cameras", "7 OPENCV 640 480 500\n"),
        ("images", "1 1 0 0 0\n\n"),
        ("images", "1 1 0 0 0 0 0 0 7 a.jpg\n1 2\n"),
        ("points3D", "1 two 3 4 5 6 7 8\n"),
        ("points3D", "1 2 3 4 999 6 7 8\n"),
        ("points3D", f"{2**70} 2 3 4 5 6 7 8\n"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(name: str, text: str, tmp_path: Path) -> None:
    (write_text(tmp_path) / f"{name}.txt").write_text(text)
    with pytest.raises(MapError, match=f"{name}.txt was cut off or is damaged"):
        SfmModel.from_colmap(tmp_path)


COLMAP_LENSES = {
    "SIMPLE_PINHOLE": (500.0, 320.5, 240.5),
    "PINHOLE": (500.0, 505.0, 320.5, 240.5),
    "SIMPLE_RADIAL": (500.0, 320.5, 240.5, -0.1),
    "RADIAL": (500.0, 320.5, 240.5, -0.1, 0.02),
    "OPENCV": PARAMS,
    "FULL_OPENCV": (*PARAMS, 0.01, 0.02, -0.03, 0.04),
    "OPENCV_FISHEYE": (*PARAMS[:4], 0.01, 0.02, -0.03, 0.04),
    "SIMPLE_RADIAL_FISHEYE": (500.0, 320.5, 240.5, 0.05),
    "RADIAL_FISHEYE": (500.0, 320.5, 240.5, 0.05, -0.01),
}


def colmap_pixel(model: str, params: tuple[float, ...], x: float, y: float) -> list[float]:
    """Where COLMAP draws the point (x, y) of the z = 1 plane, from its documentation."""
    focal = 1 if model.startswith(("SIMPLE", "RADIAL")) else 2
    fx, fy, cx, cy = params[0], params[focal - 1], *params[focal : focal + 2]
    k = [*params[focal + 2 :], *[0.0] * 8]
    if model.endswith("FISHEYE"):
        r = np.hypot(x, y)
        a = np.arctan(r)
        polynomial = 1 + k[0] * a**2 + k[1] * a**4 + k[2] * a**6 + k[3] * a**8
        return [cx + fx * x * a * polynomial / r, cy + fy * y * a * polynomial / r]
    r2 = x * x + y * y
    if "RADIAL" in model:
        k[2] = k[3] = 0.0
    radial = 1 + k[0] * r2 + k[1] * r2**2 + k[4] * r2**3
    radial /= 1 + k[5] * r2 + k[6] * r2**2 + k[7] * r2**3
    u = x * radial + 2 * k[2] * x * y + k[3] * (r2 + 2 * x * x)
    v = y * radial + 2 * k[3] * x * y + k[2] * (r2 + 2 * y * y)
    return [cx + fx * u, cy + fy * v]


@pytest.mark.parametrize("model", COLMAP_LENSES)
def test_every_colmap_lens_that_ros_knows_is_the_same_lens(model: str, tmp_path: Path) -> None:
    params = COLMAP_LENSES[model]
    camera = SfmModel.from_colmap(write_text(tmp_path, model, params)).cameras[0]
    pixel = project(np.array([[0.3, -0.2, 1.0]]), camera)[0]
    np.testing.assert_allclose(pixel + 0.5, colmap_pixel(model, params, 0.3, -0.2), atol=1e-9)


@pytest.mark.parametrize("model", ["FOV", "THIN_PRISM_FISHEYE", "SOMETHING_NEW"])
def test_a_lens_that_ros_cannot_describe_is_refused_by_name(model: str, tmp_path: Path) -> None:
    params = (1.0,) * dict(CAMERA_MODELS).get(model, 3)
    with pytest.raises(MapError, match=f"{model} has no equal in ROS"):
        SfmModel.from_colmap(write_text(tmp_path, model, params))


def test_a_camera_model_of_the_future_is_refused_by_number(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="unknown model number 77"):
        SfmModel.from_colmap(write_binary(tmp_path, camera_model=77))


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
    shaken = model.T_map_camera.copy()
    shaken[1] += 1
    other = replace(model, T_map_camera=shaken)
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


def test_a_model_without_points_is_no_map(tmp_path: Path) -> None:
    (write_text(tmp_path) / "points3D.txt").write_text("# points\n")
    with pytest.raises(MapError, match="0 usable points"):
        load_map(tmp_path)


def test_a_model_without_images_is_a_map_of_points(tmp_path: Path) -> None:
    (write_text(tmp_path) / "images.txt").write_text("# images\n")
    assert (load_map(tmp_path).detectability == 1).all()


SHARED = Path(os.environ.get("BPNP_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="BPNP_SHARED_DATA does not lead to the shared data")
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
