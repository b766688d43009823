from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.pnp.lbfgs import minimise

TOLERANCE = torch.full((3,), 1e-9, dtype=torch.float64)


def rosenbrock(x: Tensor) -> tuple[Tensor, Tensor]:
    a, b = x[:, 0], x[:, 1]
    value = (1 - a).square() + 100 * (b - a.square()).square()
    slope_a = -2 * (1 - a) - 400 * a * (b - a.square())
    return value, torch.stack([slope_a, 200 * (b - a.square())], dim=1)


def starts() -> Tensor:
    return torch.tensor([[-1.2, 1.0], [3.0, -2.0], [1.0, 1.0]], dtype=torch.float64)


def test_it_finds_the_minimum_of_a_curved_valley() -> None:
    x = minimise(rosenbrock, starts(), 100, TOLERANCE)
    torch.testing.assert_close(x, torch.ones_like(x))


def test_each_problem_is_solved_as_if_it_were_alone() -> None:
    together = minimise(rosenbrock, starts(), 7, TOLERANCE)
    for b in range(3):
        alone = minimise(rosenbrock, starts()[b : b + 1], 7, TOLERANCE[:1])
        torch.testing.assert_close(together[b : b + 1], alone, rtol=1e-12, atol=1e-12)


def test_no_iteration_leaves_the_start() -> None:
    assert torch.equal(minimise(rosenbrock, starts(), 0, TOLERANCE), starts())


def test_a_value_that_is_not_finite_stops_its_own_problem_only() -> None:
    def broken(x: Tensor) -> tuple[Tensor, Tensor]:
        value, gradient = rosenbrock(x)
        spoilt = torch.tensor([True, False, False])
        return value.masked_fill(spoilt, torch.nan), gradient.masked_fill(
            spoilt[:, None], torch.nan
        )

    x = minimise(broken, starts(), 100, TOLERANCE)
    assert torch.equal(x[0], starts()[0])
    torch.testing.assert_close(x[1:], torch.ones(2, 2, dtype=torch.float64))


def test_a_wall_of_infinite_values_is_backed_away_from() -> None:
    def walled(x: Tensor) -> tuple[Tensor, Tensor]:
        value = (x - 0.9).square().sum(1)
        return value.where(x[:, 0] < 1, torch.inf), 2 * (x - 0.9)

    start = torch.tensor([[-50.0]], dtype=torch.float64)
    x = minimise(walled, start, 100, TOLERANCE[:1])
    assert abs(x.item() - 0.9) < 1e-6
