from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bpnp_ros.optimal_transport.implicit import _factored, transport_multipliers
from bpnp_ros.optimal_transport.sinkhorn import SinkhornSettings, sinkhorn, uniform_prior

TO_THE_END = SinkhornSettings(max_iterations=1000, tolerance=1e-12)


def random_problem(rows: list[int], columns: list[int], m: int, n: int) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(7)
    M = torch.rand(len(rows), m, n, dtype=torch.float64, generator=generator)
    return M, uniform_prior(torch.tensor(rows), m), uniform_prior(torch.tensor(columns), n)


def test_the_gradient_is_that_of_the_unrolled_iteration() -> None:
    M, r, c = random_problem([5, 4], [6, 3], 5, 6)
    M.requires_grad_()
    weight = torch.rand(M.shape, dtype=M.dtype, generator=torch.Generator().manual_seed(3))
    (implicit,) = torch.autograd.grad((sinkhorn(M, r, c, TO_THE_END) * weight).sum(), M)

    P = torch.exp(-10 * M) * (r[:, :, None] > 0) * (c[:, None, :] > 0)
    for _ in range(500):
        P = P * (r / P.sum(2).clamp_min(1e-300))[:, :, None]
        P = P * (c / P.sum(1).clamp_min(1e-300))[:, None, :]
    (unrolled,) = torch.autograd.grad((P * weight).sum(), M)
    torch.testing.assert_close(implicit, unrolled, rtol=0, atol=1e-9)


def test_the_gradient_to_costs_and_priors_agrees_with_finite_differences() -> None:
    M, _, _ = random_problem([3], [4], 3, 4)
    generator = torch.Generator().manual_seed(2)
    row_logits = torch.randn(1, 3, dtype=torch.float64, generator=generator)
    column_logits = torch.randn(1, 4, dtype=torch.float64, generator=generator)
    inputs = tuple(x.requires_grad_() for x in (M, row_logits, column_logits))
    assert torch.autograd.gradcheck(
        lambda M, a, b: sinkhorn(M, a.softmax(1), b.softmax(1), TO_THE_END), inputs
    )


def test_uneven_priors_become_the_sums_of_the_plan() -> None:
    M, _, _ = random_problem([3], [4], 3, 4)
    r = torch.tensor([[0.7, 0.2, 0.1]], dtype=torch.float64)
    c = torch.tensor([[0.1, 0.1, 0.3, 0.5]], dtype=torch.float64)
    P = sinkhorn(M, r, c, TO_THE_END)
    torch.testing.assert_close(P.sum(2), r)
    torch.testing.assert_close(P.sum(1), c)


def test_a_padded_entry_gets_no_mass_and_no_gradient() -> None:
    M, r, c = random_problem([3, 2], [4, 1], 5, 6)
    M[0, 3:] = torch.nan
    M[1, :, 1:] = torch.nan
    M.requires_grad_()
    P = sinkhorn(M, r, c)
    P.square().sum().backward()
    assert M.grad is not None
    padding = (r == 0)[:, :, None] | (c == 0)[:, None, :]
    assert (P[padding] == 0).all() and (M.grad[padding] == 0).all()
    assert P.isfinite().all() and M.grad.isfinite().all()
    torch.testing.assert_close(P.sum((1, 2)), torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize(("rows", "columns"), [(0, 4), (3, 0), (0, 0)])
def test_an_item_without_points_matches_nothing(rows: int, columns: int) -> None:
    M, r, c = random_problem([rows, 3], [columns, 4], 3, 4)
    M.requires_grad_()
    P = sinkhorn(M, r, c)
    P.square().sum().backward()
    assert M.grad is not None
    assert (P[0] == 0).all() and (M.grad[0] == 0).all()
    assert P[1].sum().item() == pytest.approx(1)


def test_one_point_on_each_side_is_a_certain_match() -> None:
    M, r, c = random_problem([1], [1], 1, 1)
    assert sinkhorn(M, r, c).item() == pytest.approx(1)


def test_an_empty_set_gives_an_empty_plan() -> None:
    M, r, c = random_problem([0], [4], 0, 4)
    assert sinkhorn(M, r, c).shape == (1, 0, 4)


def test_nan_stays_in_its_own_item() -> None:
    M, r, c = random_problem([3, 3], [4, 4], 3, 4)
    alone = sinkhorn(M[1:], r[1:], c[1:])
    M[0, 1, 1] = torch.nan
    M.requires_grad_()
    P = sinkhorn(M, r, c)
    P[1].square().sum().backward()
    assert M.grad is not None
    assert P[0].isnan().any()
    torch.testing.assert_close(P[1:], alone, rtol=0, atol=1e-8)
    assert M.grad.isfinite().all() and (M.grad[0] == 0).all() and M.grad[1].abs().max() > 0


def test_costs_above_the_clamp_count_as_the_clamp_and_have_no_gradient() -> None:
    M, r, c = random_problem([3], [4], 3, 4)
    M[0, 0, 0] = 5.0
    expected = sinkhorn(M, r, c)
    M[0, 0, 0] = torch.inf
    M.requires_grad_()
    P = sinkhorn(M, r, c)
    P.square().sum().backward()
    assert M.grad is not None
    torch.testing.assert_close(P, expected)
    assert M.grad[0, 0, 0] == 0 and M.grad.isfinite().all()


def test_a_plan_that_falls_into_blocks_has_a_finite_gradient() -> None:
    M = torch.full((1, 4, 4), 5.0)
    M[0, :2, :2] = M[0, 2:, 2:] = 0.1
    M.requires_grad_()
    r = uniform_prior(torch.tensor([4]), 4)
    sinkhorn(M, r, r).square().sum().backward()
    assert M.grad is not None and M.grad.isfinite().all() and M.grad.abs().max() < 10


def test_half_precision_costs_are_solved_in_single_precision() -> None:
    M, r, c = random_problem([3], [4], 3, 4)
    P = sinkhorn(M.bfloat16(), r, c)
    assert P.dtype == torch.float32
    torch.testing.assert_close(P, sinkhorn(M.bfloat16().float(), r, c))


def test_the_multipliers_of_a_plan_have_no_free_shift() -> None:
    generator = torch.Generator().manual_seed(0)
    P = torch.rand(3, 5, 7, generator=generator, dtype=torch.float64) / 35
    G = P * torch.randn(3, 5, 7, generator=generator, dtype=torch.float64)
    u, v = transport_multipliers(P, G)
    assert (P.sum(2) * u).sum(1).abs().max() < 1e-9
    both = P * (u[:, :, None] + v[:, None, :])
    assert torch.allclose(both.sum(2), G.sum(2)) and torch.allclose(both.sum(1), G.sum(1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_large_plan_has_the_multipliers_of_a_factored_one(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    M = torch.rand(2, 210, 230, generator=generator, dtype=dtype)
    P = sinkhorn(
        M,
        uniform_prior(torch.tensor([210, 190]), 210),
        uniform_prior(torch.tensor([230, 220]), 230),
    )
    G = P * torch.randn(P.shape, generator=generator, dtype=dtype)
    accuracy = 1e3 * torch.finfo(dtype).eps
    iterated = transport_multipliers(P, G)
    assert iterated[0].dtype == dtype
    for ours, exact in zip(iterated, _factored(P.double(), G.double()), strict=True):
        torch.testing.assert_close(ours.double(), exact, rtol=accuracy, atol=accuracy)


def test_a_large_plan_that_falls_into_blocks_has_a_finite_gradient() -> None:
    M = torch.full((1, 240, 240), 5.0)
    M[0, :120, :120] = M[0, 120:, 120:] = 0.1
    M.requires_grad_()
    prior = uniform_prior(torch.tensor([240]), 240)
    weight = torch.rand(M.shape, generator=torch.Generator().manual_seed(0))
    (sinkhorn(M, prior, prior) * weight).sum().backward()
    assert M.grad is not None and M.grad.isfinite().all() and 0 < M.grad.abs().max() < 10
