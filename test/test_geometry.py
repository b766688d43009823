"""Rotations, rigid transforms and the one bridge to the paper's pose vector."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bpnp_ros.errors import CameraError
from bpnp_ros.geometry import rotation
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.geometry.rotation import (
    matrix_from_quaternion,
    quaternion_from_matrix,
    rotation_angle,
    so3_exp,
    so3_log,
)
from bpnp_ros.geometry.transform import (
    T_map_camera_from_theta,
    invert,
    theta_from_T_map_camera,
    transform_points,
)

K = np.array([[400.0, 0, 320], [0, 410, 240], [0, 0, 1]])


def angle_axes(count: int, largest: float) -> torch.Tensor:
    """Random angle-axis vectors (count, 3) of angles up to `largest`."""
    generator = torch.Generator().manual_seed(0)
    axis = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    angle = torch.rand(count, 1, generator=generator, dtype=torch.float64) * largest
    return axis / axis.norm(dim=1, keepdim=True) * angle


@pytest.mark.parametrize("largest", [1e-7, 1e-3, 1.0, 3.14159])
def test_the_logarithm_undoes_the_exponential(largest: float) -> None:
    r = angle_axes(200, largest)
    assert (so3_log(so3_exp(r)) - r).abs().max() < 1e-8


def test_quaternions_and_matrices_are_the_same_rotation() -> None:
    R = so3_exp(angle_axes(200, 3.14159))
    assert (matrix_from_quaternion(quaternion_from_matrix(R)) - R).abs().max() < 1e-12


@pytest.mark.parametrize("axis", range(3))
def test_half_a_turn_about_an_axis_is_a_rotation_like_any_other(axis: int) -> None:
    half = -torch.eye(3, dtype=torch.float64)
    half[axis, axis] = 1
    assert (matrix_from_quaternion(quaternion_from_matrix(half)) - half).abs().max() < 1e-12
    assert so3_log(half).abs()[axis] == pytest.approx(torch.pi)


def test_the_exponential_has_the_right_gradient_also_at_zero() -> None:
    r = angle_axes(4, 1.0) * torch.tensor([[0.0], [1e-5], [1e-3], [1.0]])
    assert torch.autograd.gradcheck(so3_exp, (r.requires_grad_(),))


def test_the_angle_between_rotations_is_the_angle_turned() -> None:
    R = so3_exp(angle_axes(50, 2.0))
    turn = so3_exp(torch.tensor([0.0, 1e-6, 0.0], dtype=torch.float64))
    assert torch.allclose(rotation_angle(R, R @ turn), torch.full((50,), 1e-6).double(), rtol=1e-6)


def test_numpy_s_angle_axes_are_the_tensors() -> None:
    axis = torch.nn.functional.normalize(torch.randn(60, 3, dtype=torch.float64), dim=1)
    for angle in (0.0, 1e-9, 1e-3, 1.0, 3.0, torch.pi):
        R = so3_exp(angle * axis)
        found = torch.from_numpy(rotation.angle_axes(R.numpy()))
        assert torch.allclose(so3_exp(found), R, atol=1e-9)
        assert torch.allclose(found.norm(dim=1), torch.full((60,), angle).double(), atol=1e-7)


def test_theta_is_world_to_camera_and_the_transform_camera_to_map() -> None:
    theta = torch.tensor([0.1, -0.2, 0.3, 1.0, 2.0, 3.0], dtype=torch.float64)
    point = torch.tensor([[4.0, 5.0, 6.0]], dtype=torch.float64)
    in_camera = point @ so3_exp(theta[:3]).T + theta[3:]
    T_map_camera = T_map_camera_from_theta(theta)
    assert torch.allclose(transform_points(T_map_camera, in_camera), point)
    assert torch.allclose(theta_from_T_map_camera(T_map_camera), theta)
    assert torch.allclose(T_map_camera @ invert(T_map_camera), torch.eye(4).double(), atol=1e-12)


def test_the_frustum_is_the_image_on_the_z_1_plane() -> None:
    frustum = Camera(K, 640, 480).frustum()
    assert frustum.x_max - frustum.x_min == pytest.approx(640 / 400)
    assert frustum.area == pytest.approx(640 / 400 * 480 / 410)
    assert frustum.contains(np.array([[0.0, 0.0], [0.9, 0.0]])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("K_wrong", "size", "model", "complaint"),
    [
        (np.zeros((3, 3)), (640, 480), "plumb_bob", "K"),
        (np.full((3, 3), np.nan), (640, 480), "plumb_bob", "finite"),
        (K, (0, 480), "plumb_bob", "image size"),
    ],
)
def test_intrinsics_that_describe_no_camera_are_refused(
    K_wrong: np.ndarray, size: tuple[int, int], model: str, complaint: str
) -> None:
    with pytest.raises(CameraError, match=complaint):
        Camera(K_wrong, *size, model)
