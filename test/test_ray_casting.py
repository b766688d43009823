"""What a mesh hides from a camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpnp_ros.backends import open3d
from bpnp_ros.backends.open3d import RayCaster, hidden_point_removal
from bpnp_ros.errors import MapError
from bpnp_ros.point_map.mesh_file import read_mesh
from bpnp_ros.simulation.boxes import Boxes

FAR = np.array([5_000_000.0, 400_000.0, 0.0])
BOX = Boxes(np.array([[-1.0, -1, -1]]), np.array([[1.0, 1, 1]]))


def box_caster(offset: np.ndarray) -> RayCaster:
    vertices, triangles = BOX.mesh()
    return RayCaster(vertices + offset, triangles)


@pytest.mark.parametrize("offset", [np.zeros(3), FAR], ids=["at the origin", "far away"])
def test_a_box_hides_its_far_side(offset: np.ndarray) -> None:
    cameras = np.array([[5.0, 0.1, 0.2], [-5.0, 0.1, 0.2]]) + offset
    points = np.array([[1.0, 0.3, 0.3], [-1.0, 0.3, 0.3], [0, 3, 0]]) + offset
    seen = box_caster(offset).visible(cameras, points)
    np.testing.assert_array_equal(seen, [[True, False, True], [False, True, True]])


def test_the_tolerance_is_how_deep_in_the_matter_a_point_may_lie() -> None:
    cameras, points = np.array([[5.0, 0.1, 0.2]]), np.array([[0.9, 0.1, 0.2]])
    assert not box_caster(np.zeros(3)).visible(cameras, points, tolerance=0.05).any()
    assert box_caster(np.zeros(3)).visible(cameras, points, tolerance=0.2).all()


def test_a_camera_at_a_point_sees_it() -> None:
    position = np.array([[5.0, 0, 0]])
    assert box_caster(np.zeros(3)).visible(position, position).all()


def test_rays_in_pieces_give_what_rays_at_once_give(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    cameras, points = rng.uniform(-3, 3, (40, 3)), rng.uniform(-3, 3, (50, 3))
    at_once = box_caster(np.zeros(3)).visible(cameras, points)
    monkeypatch.setattr(open3d, "_RAYS_AT_ONCE", 120)
    np.testing.assert_array_equal(box_caster(np.zeros(3)).visible(cameras, points), at_once)
    assert 0.2 < at_once.mean() < 0.8


def test_ray_casting_agrees_with_the_simulated_boxes() -> None:
    rng = np.random.default_rng(1)
    lower = rng.uniform(-5, 5, (12, 3))
    boxes = Boxes(lower, lower + rng.uniform(0.5, 2, (12, 3)))
    points, camera = rng.uniform(-6, 6, (500, 3)), np.array([0.0, 0, 7])
    seen = RayCaster(*boxes.mesh()).visible(camera[None], points, tolerance=1e-3)[0]
    np.testing.assert_array_equal(seen, ~boxes.occlude(camera, points))


def test_distance_and_inside_are_those_of_the_box() -> None:
    caster = box_caster(FAR)
    points = np.array([[3.0, 0, 0], [0.5, 0, 0]]) + FAR
    np.testing.assert_allclose(caster.distance(points), [2.0, 0.5], atol=1e-6)
    np.testing.assert_array_equal(caster.inside(points), [False, True])


def test_no_cameras_or_no_points_give_an_empty_answer() -> None:
    caster, none = box_caster(np.zeros(3)), np.zeros((0, 3))
    assert caster.visible(none, np.zeros((4, 3))).shape == (0, 4)
    assert caster.visible(np.ones((2, 3)), none).shape == (2, 0)


def test_a_mesh_without_triangles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="needs a mesh"):
        RayCaster(np.zeros((3, 3)), np.zeros((0, 3), int))
    path = tmp_path / "points.ply"
    path.write_text(
        "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\n"
        "property float z\nend_header\n1 2 3\n"
    )
    with pytest.raises(MapError, match="no triangles"):
        read_mesh(path)


def test_a_mesh_file_is_read(tmp_path: Path) -> None:
    vertices, triangles = BOX.mesh()
    lines = [f"v {x} {y} {z}" for x, y, z in vertices]
    lines += [f"f {a} {b} {c}" for a, b, c in triangles + 1]
    path = tmp_path / "box.obj"
    path.write_text("\n".join(lines) + "\n")
    read_vertices, read_triangles = read_mesh(path)
    np.testing.assert_allclose(read_vertices[read_triangles], vertices[triangles])


def test_the_far_side_of_a_dense_sphere_is_hidden() -> None:
    direction = np.random.default_rng(0).normal(size=(4000, 3))
    sphere = direction / np.linalg.norm(direction, axis=1, keepdims=True) + FAR
    seen = np.zeros(4000, bool)
    seen[hidden_point_removal(sphere, FAR + np.array([0, 0, 5]))] = True
    height = sphere[:, 2]
    assert seen[height > 0.5].mean() > 0.95
    assert seen[height < 0].mean() < 0.02
