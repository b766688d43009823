"""Closed forms against automatic differentiation of the paper's own sum over all pairs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd.functional import hessian as autograd_hessian
from torch.autograd.functional import jacobian as autograd_jacobian

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.pnp.bearing_alignment import (
    bearings,
    direction_jacobian,
    hessian,
    reduce_pairs,
    value_and_gradient,
)
from bpnp_ros.pnp.rotation_derivatives import first_derivative, second_derivative


def random_problem() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(4)
    W = torch.rand(2, 5, 7, dtype=torch.float64, generator=generator)
    p2d = 0.4 * torch.randn(2, 5, 2, dtype=torch.float64, generator=generator)
    p3d = torch.randn(2, 7, 3, dtype=torch.float64, generator=generator)
    theta = torch.randn(2, 6, dtype=torch.float64, generator=generator)
    theta[:, 5] += 4
    return W, p2d, p3d, theta


def pair_costs(p2d: Tensor, p3d: Tensor, theta: Tensor) -> Tensor:
    """1 - f_i . n_j of one item, (M, N)."""
    q = p3d @ so3_exp(theta[:3]).T + theta[3:]
    return 1 - bearings(p2d) @ torch.nn.functional.normalize(q, dim=1).T


@pytest.mark.parametrize("angle", [0.0, 1e-3, 0.3, 0.999, 1.001, 2.0, 3.1])
def test_derivatives_of_the_rotation_are_exact_at_any_angle(angle: float) -> None:
    axis = torch.tensor([0.6, -0.64, 0.48], dtype=torch.float64)
    r = angle * axis
    first = autograd_jacobian(so3_exp, r).permute(2, 0, 1)
    torch.testing.assert_close(first_derivative(r[None])[0], first)
    second = autograd_jacobian(lambda r: first_derivative(r[None])[0], r).permute(3, 0, 1, 2)
    torch.testing.assert_close(second_derivative(r[None])[0], second)


def test_the_value_is_the_sum_over_pairs_but_for_a_constant() -> None:
    W, p2d, p3d, theta = random_problem()
    problem = reduce_pairs(W, p2d, p3d)
    poses = theta, theta + 0.5

    def pair_sum(theta: Tensor) -> Tensor:
        return torch.stack([(W[b] * pair_costs(p2d[b], p3d[b], theta[b])).sum() for b in (0, 1)])

    ours = [value_and_gradient(problem, pose)[0] for pose in poses]
    torch.testing.assert_close(ours[0] - ours[1], pair_sum(poses[0]) - pair_sum(poses[1]))


def test_gradient_hessian_and_jacobian_are_those_of_the_sum_over_pairs() -> None:
    W, p2d, p3d, theta = random_problem()
    problem = reduce_pairs(W, p2d, p3d)
    _, gradient = value_and_gradient(problem, theta)
    H, J = hessian(problem, theta), direction_jacobian(problem, theta)
    by_pair = torch.einsum("bmi,bnik->bmnk", bearings(p2d), J)
    for b in range(2):

        def costs(theta: Tensor, b: int = b) -> Tensor:
            return pair_costs(p2d[b], p3d[b], theta)

        def total(theta: Tensor, b: int = b) -> Tensor:
            return (W[b] * costs(theta)).sum()

        torch.testing.assert_close(gradient[b], autograd_jacobian(total, theta[b]))
        torch.testing.assert_close(H[b], autograd_hessian(total, theta[b]))
        torch.testing.assert_close(-by_pair[b], autograd_jacobian(costs, theta[b]))


def test_points_without_weight_may_be_nan() -> None:
    W, p2d, p3d, theta = random_problem()
    W[0, 2], W[0, :, 3] = 0, 0
    expected = value_and_gradient(reduce_pairs(W, p2d, p3d), theta)
    p2d[0, 2], p3d[0, 3] = torch.nan, torch.inf
    actual = value_and_gradient(reduce_pairs(W, p2d, p3d), theta)
    torch.testing.assert_close(actual, expected)
