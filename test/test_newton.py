"""Newton's method on poses, in tensors and in machine code."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.pnp import newton
from bpnp_ros.pnp.bearing_alignment import BearingProblem, expansion, reduce_pairs, value

Minimise = Callable[[BearingProblem, Tensor, int], Tensor]


def compiled(problem: BearingProblem, pose: Tensor, iterations: int) -> Tensor:
    newton_compiled = pytest.importorskip("bpnp_ros.pnp.newton_compiled")
    arrays = [tensor.contiguous().numpy() for tensor in (*problem, pose)]
    return torch.from_numpy(newton_compiled.minimise(*arrays, iterations))


BOTH = pytest.mark.parametrize("minimise", [newton.minimise, compiled], ids=["tensors", "compiled"])


def problems(away: float, count: int = 16) -> tuple[BearingProblem, Tensor]:
    """Forty noisy pairs each, a third of the weight on wrong ones; starts so far from the truth."""
    generator = torch.Generator().manual_seed(5)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    p3d, theta = normal(count, 40, 3), 0.4 * normal(count, 6)
    theta[:, 5] += 5
    q = p3d @ so3_exp(theta[:, :3]).transpose(1, 2) + theta[:, None, 3:]
    p2d = q[..., :2] / q[..., 2:] + 0.01 * normal(count, 40, 2)
    W = torch.eye(40, dtype=torch.float64) + normal(count, 40, 40).abs() / 80
    theta = theta + away * normal(count, 6)
    pose = torch.cat([so3_exp(theta[:, :3]), theta[:, 3:, None]], dim=2)
    return reduce_pairs(W, p2d, p3d), pose


@BOTH
@pytest.mark.parametrize("away", [0.1, 0.5])
def test_it_reaches_a_minimum_from_near_and_far(minimise: Minimise, away: float) -> None:
    problem, start = problems(away)
    there = expansion(problem, minimise(problem, start, 50))
    assert (there.value <= value(problem, start)).all()
    assert there.gradient.abs().max() < 1e-9
    assert torch.linalg.eigvalsh(there.hessian).min() > 0


@BOTH
def test_near_a_minimum_three_steps_are_all_it_takes(minimise: Minimise) -> None:
    problem, start = problems(0.1)
    beside = newton.moved(minimise(problem, start, 50), torch.full((len(start), 6), 0.01).double())
    assert expansion(problem, beside).gradient.abs().amax(1).min() > 1e-2
    assert expansion(problem, minimise(problem, beside, 3)).gradient.abs().max() < 1e-6


@BOTH
def test_no_step_makes_it_worse(minimise: Minimise) -> None:
    problem, start = problems(1.5)
    values = [value(problem, minimise(problem, start, steps)) for steps in range(12)]
    for before, after in pairwise(values):
        assert (after <= before + 1e-12).all()


@pytest.mark.parametrize("away", [0.05, 0.5, 1.5])
def test_machine_code_does_what_the_tensors_do(away: float) -> None:
    problem, start = problems(away)
    for steps in (1, 3, 50):
        expected, found = newton.minimise(problem, start, steps), compiled(problem, start, steps)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


@BOTH
def test_each_problem_goes_its_own_way(minimise: Minimise) -> None:
    problem, start = problems(0.5)
    together = minimise(problem, start, 50)
    alone = minimise(BearingProblem(*(tensor[3:4] for tensor in problem)), start[3:4], 50)
    torch.testing.assert_close(together[3:4], alone, rtol=0, atol=1e-9)


@BOTH
def test_without_weight_it_stays_and_without_a_value_there_is_no_pose(minimise: Minimise) -> None:
    problem, start = problems(0.1)
    problem.weight[0] = 0
    problem.points[1, 0, 0] = torch.nan
    found = minimise(problem, start, 50)
    assert torch.equal(found[0], start[0]) and found[1].isnan().all() and found[2:].isfinite().all()
    assert torch.equal(minimise(problem, start, 0)[2:], start[2:])
