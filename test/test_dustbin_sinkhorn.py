from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.optimal_transport.dustbin import dustbin_sinkhorn

ROW_WEIGHT = torch.tensor([[1.0, 0.5, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]], dtype=torch.float64)
COLUMN_WEIGHT = torch.tensor(
    [[1.0, 2.0, 0.3, 0.0, 0.0], [1.0, 1.0, 0.1, 1.0, 1.0]], dtype=torch.float64
)


def random_scores() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    scores = 2 * torch.randn(2, 4, 5, dtype=torch.float64, generator=generator)
    return scores, torch.tensor(0.3, dtype=torch.float64)


def with_bin(weight: Tensor, other: Tensor) -> Tensor:
    return torch.cat([weight, other.sum(1, keepdim=True)], dim=1)


def solve(scores: Tensor, dustbin_score: Tensor) -> Tensor:
    return dustbin_sinkhorn(scores, dustbin_score, ROW_WEIGHT, COLUMN_WEIGHT, iterations=500)


def test_every_point_spends_its_weight_on_matches_and_dustbin() -> None:
    P = solve(*random_scores()).exp()
    torch.testing.assert_close(P.sum(2), with_bin(ROW_WEIGHT, COLUMN_WEIGHT))
    torch.testing.assert_close(P.sum(1), with_bin(COLUMN_WEIGHT, ROW_WEIGHT))


def test_rows_balance_after_any_number_of_iterations() -> None:
    scores, dustbin_score = random_scores()
    P = dustbin_sinkhorn(scores, dustbin_score, iterations=1).exp()
    torch.testing.assert_close(P[:, :-1].sum(2), torch.ones(2, 4, dtype=torch.float64))


def test_it_equals_a_plain_iteration_in_the_log_domain() -> None:
    scores, dustbin_score = random_scores()
    S = torch.nn.functional.pad(scores, (0, 1, 0, 1), value=dustbin_score.item())
    log_r = with_bin(torch.ones(2, 4), torch.ones(2, 5)).double().log()
    log_c = with_bin(torch.ones(2, 5), torch.ones(2, 4)).double().log()
    a, b = torch.zeros_like(log_r), torch.zeros_like(log_c)
    for _ in range(500):
        b = log_c - torch.logsumexp(S + a[:, :, None], 1)
        a = log_r - torch.logsumexp(S + b[:, None, :], 2)
    expected = S + a[:, :, None] + b[:, None, :]
    actual = dustbin_sinkhorn(scores, dustbin_score, iterations=500)
    torch.testing.assert_close(actual, expected)


def test_the_gradient_agrees_with_finite_differences() -> None:
    scores, dustbin_score = random_scores()
    true = (with_bin(ROW_WEIGHT, COLUMN_WEIGHT) > 0)[:, :, None]
    true = true & (with_bin(COLUMN_WEIGHT, ROW_WEIGHT) > 0)[:, None]
    assert torch.autograd.gradcheck(
        lambda S, z: solve(S, z).where(true, 0),
        (scores.requires_grad_(), dustbin_score.requires_grad_()),
    )


def test_padding_gets_no_mass_whatever_its_scores() -> None:
    scores, dustbin_score = random_scores()
    expected = solve(scores, dustbin_score)
    scores[0, 3] = torch.nan
    scores[0, :, 3:] = torch.inf
    scores.requires_grad_()
    log_P = solve(scores, dustbin_score)
    log_P[:, :4].clamp_min(-100).sum().backward()
    torch.testing.assert_close(log_P, expected)
    assert (log_P[0, 3].exp() == 0).all() and (log_P[0, :, 3:5].exp() == 0).all()
    assert scores.grad is not None and scores.grad.isfinite().all()


def test_boolean_masks_are_weights() -> None:
    scores, dustbin_score = random_scores()
    rows, columns = ROW_WEIGHT > 0, COLUMN_WEIGHT > 0
    P = dustbin_sinkhorn(scores, dustbin_score, rows, columns, iterations=500).exp()
    torch.testing.assert_close(P[:, :-1].sum(2), rows.double())
    torch.testing.assert_close(P[:, :, :-1].sum(1), columns.double())


def test_a_high_dustbin_score_takes_all_and_a_low_one_nothing_it_need_not() -> None:
    scores, _ = random_scores()
    high = dustbin_sinkhorn(scores, torch.tensor(40.0)).exp()
    low = dustbin_sinkhorn(scores, torch.tensor(-40.0), iterations=500).exp()
    assert high[:, :-1, :-1].max() < 1e-6
    assert low[:, :-1, -1].max() < 1e-6


def test_scores_far_apart_stay_finite_in_single_precision() -> None:
    scores = torch.zeros(1, 3, 3)
    scores[0, :, 0] = 1e4
    scores.requires_grad_()
    log_P = dustbin_sinkhorn(scores, torch.tensor(0.0))
    log_P.sum().backward()
    assert log_P.isfinite().all()
    assert scores.grad is not None and scores.grad.isfinite().all()


def test_items_without_points_on_one_side_send_the_other_to_the_dustbin() -> None:
    scores, dustbin_score = random_scores()
    nothing = torch.zeros(2, 5)
    P = dustbin_sinkhorn(scores, dustbin_score, None, nothing).exp()
    torch.testing.assert_close(P[:, :-1, -1], torch.ones(2, 4, dtype=torch.float64))
    nobody = dustbin_sinkhorn(scores, dustbin_score, torch.zeros(2, 4), nothing).exp()
    assert (nobody == 0).all()


def test_nan_stays_in_its_own_item() -> None:
    scores, dustbin_score = random_scores()
    expected = solve(scores, dustbin_score)[1]
    scores[0, 0, 0] = torch.nan
    torch.testing.assert_close(solve(scores, dustbin_score)[1], expected)


def test_empty_sets_are_accepted() -> None:
    log_P = dustbin_sinkhorn(torch.zeros(2, 0, 5), torch.tensor(0.0))
    assert log_P.shape == (2, 1, 6)
    torch.testing.assert_close(log_P[:, 0, :5].exp(), torch.ones(2, 5))
