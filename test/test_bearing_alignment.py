"""Closed forms against automatic differentiation of the paper's own sum over all pairs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd.functional import hessian as autograd_hessian
from torch.autograd.functional import jacobian as autograd_jacobian

from bpnp_ros.geometry.rotation import left_jacobian_inverse, so3_exp, so3_log
from bpnp_ros.pnp.bearing_alignment import (
    bearings,
    direction_jacobian,
    expansion,
    reduce_pairs,
    value,
)


def random_problem() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(4)
    W = torch.rand(2, 5, 7, dtype=torch.float64, generator=generator)
    p2d = 0.4 * torch.randn(2, 5, 2, dtype=torch.float64, generator=generator)
    p3d = torch.randn(2, 7, 3, dtype=torch.float64, generator=generator)
    theta = torch.randn(2, 6, dtype=torch.float64, generator=generator)
    theta[:, 5] += 4
    return W, p2d, p3d, theta


def pair_costs(p2d: Tensor, p3d: Tensor, pose: Tensor, motion: Tensor) -> Tensor:
    """1 - f_i . n_j of one item, (M, N), after a motion from a pose [R t] (3, 4)."""
    q = (p3d @ pose[:, :3].T + pose[:, 3]) @ so3_exp(motion[:3]).T + motion[3:]
    return 1 - bearings(p2d) @ torch.nn.functional.normalize(q, dim=1).T


def pose_of(theta: Tensor) -> Tensor:
    return torch.cat([so3_exp(theta[..., :3]), theta[..., 3:, None]], dim=-1)


@pytest.mark.parametrize("angle", [0.0, 1e-5, 1e-3, 0.3, 2.0, 3.1])
def test_an_angle_axis_changes_by_a_turn_as_it_should_at_any_angle(angle: float) -> None:
    r = angle * torch.tensor([0.6, -0.64, 0.48], dtype=torch.float64)
    steps = 1e-5 * torch.eye(3, dtype=torch.float64)
    ahead, behind = (so3_log(so3_exp(way * steps) @ so3_exp(r)) for way in (1, -1))
    expected = (ahead - behind).T / 2e-5
    torch.testing.assert_close(left_jacobian_inverse(r), expected, rtol=0, atol=1e-8)


def test_the_value_is_the_sum_over_pairs_but_for_a_constant() -> None:
    W, p2d, p3d, theta = random_problem()
    problem = reduce_pairs(W, p2d, p3d)
    poses, still = (pose_of(theta), pose_of(theta + 0.5)), torch.zeros(6, dtype=torch.float64)

    def pair_sum(pose: Tensor) -> Tensor:
        costs = [(W[b] * pair_costs(p2d[b], p3d[b], pose[b], still)).sum() for b in (0, 1)]
        return torch.stack(costs)

    ours = [value(problem, pose) for pose in poses]
    torch.testing.assert_close(ours[0] - ours[1], pair_sum(poses[0]) - pair_sum(poses[1]))
    torch.testing.assert_close(expansion(problem, poses[1]).value, ours[1])


def test_gradient_hessian_and_jacobian_are_those_of_the_sum_over_pairs() -> None:
    W, p2d, p3d, theta = random_problem()
    problem, pose = reduce_pairs(W, p2d, p3d), pose_of(theta)
    found, J = expansion(problem, pose), direction_jacobian(problem, pose)
    by_pair = torch.einsum("bmi,bnik->bmnk", bearings(p2d), J)
    still = torch.zeros(6, dtype=torch.float64)
    for b in range(2):

        def costs(motion: Tensor, b: int = b) -> Tensor:
            return pair_costs(p2d[b], p3d[b], pose[b], motion)

        def total(motion: Tensor, b: int = b) -> Tensor:
            return (W[b] * costs(motion)).sum()

        torch.testing.assert_close(found.gradient[b], autograd_jacobian(total, still))
        torch.testing.assert_close(found.hessian[b], autograd_hessian(total, still))
        torch.testing.assert_close(-by_pair[b], autograd_jacobian(costs, still))


def test_nearness_is_how_much_a_shift_counts() -> None:
    W, p2d, p3d, theta = random_problem()
    problem, pose = reduce_pairs(W, p2d, p3d), pose_of(theta)
    q = p3d @ pose[:, :, :3].transpose(1, 2) + pose[:, None, :, 3]
    expected = (problem.weight / q.square().sum(2)).sum(1)
    torch.testing.assert_close(expansion(problem, pose).nearness, expected)


def test_points_without_weight_may_be_nan() -> None:
    W, p2d, p3d, theta = random_problem()
    W[0, 2], W[0, :, 3] = 0, 0
    expected = expansion(reduce_pairs(W, p2d, p3d), pose_of(theta))
    p2d[0, 2], p3d[0, 3] = torch.nan, torch.inf
    torch.testing.assert_close(expansion(reduce_pairs(W, p2d, p3d), pose_of(theta)), expected)
