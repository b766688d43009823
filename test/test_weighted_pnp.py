from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd.functional import hessian, jacobian

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.pnp.bearing_alignment import bearings
from bpnp_ros.pnp.weighted_pnp import MAX_COLUMN_NORM, iteration_limit, objective, weighted_pnp


def random_problem(
    m: int = 8, n: int = 9, thickness: float = 1.0
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Two items: weights, keypoints, points, true poses; `thickness` squeezes points to a line."""
    generator = torch.Generator().manual_seed(11)
    p3d = torch.randn(2, n, 3, dtype=torch.float64, generator=generator)
    p3d[..., 1:] *= thickness
    theta = 0.4 * torch.randn(2, 6, dtype=torch.float64, generator=generator)
    theta[:, 5] += 4
    direction = directions(p3d, theta)
    p2d = (direction[..., :2] / direction[..., 2:])[:, :m]
    p2d = p2d + 0.003 * torch.randn(2, m, 2, dtype=torch.float64, generator=generator)
    W = torch.softmax(300 * (bearings(p2d) @ direction.transpose(1, 2) - 1), 2) / m
    return W, p2d, p3d, theta


def directions(p3d: Tensor, theta: Tensor) -> Tensor:
    q = p3d @ so3_exp(theta[..., :3]).transpose(-1, -2) + theta[..., None, 3:]
    return torch.nn.functional.normalize(q, dim=-1)


def pair_costs(p2d: Tensor, p3d: Tensor, theta: Tensor) -> Tensor:
    return 1 - bearings(p2d) @ directions(p3d, theta).transpose(-1, -2)


def theta_by_weight(W: Tensor, p2d: Tensor, p3d: Tensor, theta: Tensor) -> Tensor:
    """-H^-1 B of one item, (6, M N), by automatic differentiation."""
    H = hessian(lambda x: (W * pair_costs(p2d, p3d, x)).sum(), theta)
    B = jacobian(lambda x: pair_costs(p2d, p3d, x), theta).reshape(-1, 6)
    return -torch.linalg.solve(H, B.T)


def test_exact_pairs_give_the_exact_pose() -> None:
    _, _, p3d, theta = random_problem()
    direction = directions(p3d, theta)
    p2d = direction[..., :2] / direction[..., 2:]
    W = torch.eye(9, dtype=torch.float64).expand(2, 9, 9)
    torch.testing.assert_close(weighted_pnp(W, p2d, p3d, theta + 0.1), theta)


def test_the_objective_is_the_sum_over_pairs() -> None:
    W, p2d, p3d, theta = random_problem()
    expected = (W * pair_costs(p2d, p3d, theta)).sum((1, 2))
    torch.testing.assert_close(objective(W, p2d, p3d, theta), expected)


def test_the_gradient_vanishes_at_the_answer() -> None:
    W, p2d, p3d, theta = random_problem()
    answer = weighted_pnp(W, p2d, p3d, theta + 0.1).requires_grad_()
    (gradient,) = torch.autograd.grad((W * pair_costs(p2d, p3d, answer)).sum(), answer)
    assert gradient.abs().max() < 1e-9


def test_it_is_as_good_as_torchs_own_lbfgs_on_the_sum_over_pairs() -> None:
    W, p2d, p3d, theta = random_problem()
    pose = (theta[:1] + 0.3).requires_grad_()
    solver = torch.optim.LBFGS([pose], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        solver.zero_grad()
        loss = (W[:1] * pair_costs(p2d[:1], p3d[:1], pose)).sum()
        loss.backward()
        return loss

    solver.step(closure)
    ours = weighted_pnp(W[:1], p2d[:1], p3d[:1], theta[:1] + 0.3)
    value = objective(W[:1], p2d[:1], p3d[:1], ours)
    assert value <= objective(W[:1], p2d[:1], p3d[:1], pose.detach()) + 1e-12


def test_each_item_is_solved_as_if_it_were_alone() -> None:
    W, p2d, p3d, theta = random_problem()
    together = weighted_pnp(W, p2d, p3d, theta + 0.1)
    for b in range(2):
        one = slice(b, b + 1)
        alone = weighted_pnp(W[one], p2d[one], p3d[one], theta[one] + 0.1)
        torch.testing.assert_close(together[one], alone, rtol=0, atol=1e-9)


def test_the_sum_of_the_weights_does_not_matter() -> None:
    W, p2d, p3d, theta = random_problem()
    expected = weighted_pnp(W, p2d, p3d, theta + 0.1)
    scaled = weighted_pnp(1e-6 * W, p2d, p3d, theta + 0.1)
    torch.testing.assert_close(scaled, expected, rtol=0, atol=1e-6)


def test_the_gradient_agrees_with_finite_differences() -> None:
    W, p2d, p3d, theta = random_problem()
    assert torch.autograd.gradcheck(
        lambda W: weighted_pnp(W, p2d, p3d, theta + 0.05),
        (W.requires_grad_(),),
        eps=1e-5,
        atol=1e-3,
        fast_mode=True,
    )


def test_columns_of_the_jacobian_are_cut_to_norm_100() -> None:
    W, p2d, p3d, theta = random_problem(thickness=0.1)
    W.requires_grad_()
    answer = weighted_pnp(W, p2d, p3d, theta)
    upstream = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(2, 6)
    (gradient,) = torch.autograd.grad(answer, W, upstream)
    for b in range(2):
        columns = theta_by_weight(W[b].detach(), p2d[b], p3d[b], answer[b].detach())
        norms = columns.norm(dim=0)
        assert norms.max() > 1.5 * MAX_COLUMN_NORM and norms.median() < MAX_COLUMN_NORM
        clipped = columns * (MAX_COLUMN_NORM / norms).clamp_max(1)
        expected = (upstream[b] @ clipped).reshape(W[b].shape)
        torch.testing.assert_close(gradient[b], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("m", "n"), [(0, 9), (8, 0), (0, 0)])
def test_without_points_an_item_keeps_its_start(m: int, n: int) -> None:
    W, p2d, p3d, theta = random_problem()
    W = W[:, :m, :n].requires_grad_()
    answer = weighted_pnp(W, p2d[:, :m], p3d[:, :n], theta)
    answer.sum().backward()
    assert torch.equal(answer, theta)


def test_all_padding_keeps_its_start_and_has_no_gradient() -> None:
    W, p2d, p3d, theta = random_problem()
    W[0] = 0
    W.requires_grad_()
    answer = weighted_pnp(W, p2d, p3d, theta)
    answer.sum().backward()
    assert torch.equal(answer[0], theta[0])
    assert W.grad is not None
    assert (W.grad[0] == 0).all() and W.grad[1].abs().max() > 0


@pytest.mark.parametrize("pairs", [1, 2])
def test_too_few_pairs_for_a_pose_give_no_gradient_and_no_nan(pairs: int) -> None:
    W, p2d, p3d, theta = random_problem()
    W[0] = 0
    W[0].diagonal()[:pairs] = 1
    W.requires_grad_()
    answer = weighted_pnp(W, p2d, p3d, theta)
    answer.sum().backward()
    assert answer.isfinite().all()
    assert W.grad is not None and W.grad.isfinite().all()
    (columns,) = torch.autograd.grad(weighted_pnp(W, p2d, p3d, theta)[0, 0], W)
    assert columns.abs().max() <= MAX_COLUMN_NORM


@pytest.mark.parametrize("where", ["weight", "keypoint", "point", "start"])
def test_nan_makes_its_own_item_nan_and_no_gradient(where: str) -> None:
    W, p2d, p3d, theta = random_problem()
    expected = weighted_pnp(W, p2d, p3d, theta)[1]
    inputs = {"weight": W, "keypoint": p2d, "point": p3d, "start": theta}
    inputs[where].view(2, -1)[0, 0] = torch.nan
    W.requires_grad_()
    answer = weighted_pnp(W, p2d, p3d, theta)
    answer.sum().backward()
    assert answer[0].isnan().all()
    torch.testing.assert_close(answer[1], expected, rtol=0, atol=1e-7)
    assert W.grad is not None
    assert (W.grad[0] == 0).all() and W.grad[1].abs().max() > 0


def test_away_from_a_strict_minimum_there_is_no_gradient() -> None:
    W, p2d, p3d, theta = random_problem()
    turned_away = theta.clone()
    turned_away[:, :3] += torch.tensor([0.0, 3.0, 0.0])
    W.requires_grad_()
    weighted_pnp(W, p2d, p3d, turned_away, max_iterations=0).sum().backward()
    assert W.grad is not None and (W.grad == 0).all()


def test_single_precision_inputs_give_a_single_precision_pose_close_to_the_exact_one() -> None:
    W, p2d, p3d, theta = random_problem()
    exact = weighted_pnp(W, p2d, p3d, theta)
    single = weighted_pnp(W.float(), p2d.float(), p3d.float(), theta.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), exact, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("points", "iterations"),
    [(0, 100), (30, 100), (1000, 75), (2000, 27), (10_000, 2), (50_000, 1)],
)
def test_larger_sets_get_fewer_iterations(points: int, iterations: int) -> None:
    assert iteration_limit(points, 10) == iteration_limit(10, points) == iterations
