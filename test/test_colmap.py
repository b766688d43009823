"""COLMAP's models, in text and in binary, with every lens that ROS knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from colmap_scene import (
    CAMERA,
    IMAGES,
    PARAMS,
    POINTS,
    UNMATCHED,
    reprojection_error,
    write_binary,
    write_text,
)

from bpnp_ros.errors import MapError
from bpnp_ros.keypoints.lens import project
from bpnp_ros.point_map.loading import load_map
from bpnp_ros.point_map.sfm.colmap import CAMERA_MODELS
from bpnp_ros.point_map.sfm.sfm_model import SfmModel


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
        ("images", "1 1 0 0 0 0 0 0 7 a.jpg\n1 2 nan\n"),
        ("images", "1 1 0 0 0 0 0 0 7 a.jpg\n1 2 1e30\n"),
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


def test_a_model_without_points_is_no_map(tmp_path: Path) -> None:
    (write_text(tmp_path) / "points3D.txt").write_text("# points\n")
    with pytest.raises(MapError, match="0 usable points"):
        load_map(tmp_path)


def test_a_model_without_images_is_a_map_of_points(tmp_path: Path) -> None:
    (write_text(tmp_path) / "images.txt").write_text("# images\n")
    assert (load_map(tmp_path).detectability == 1).all()
