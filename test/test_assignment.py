"""The Hungarian algorithm finds the cheapest one-to-one assignment."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bpnp_ros.errors import BpnpError
from bpnp_ros.optimal_transport.assignment import assignment


def cheapest(cost: np.ndarray) -> float:
    """By trying all."""
    wide = cost if cost.shape[0] <= cost.shape[1] else cost.T
    rows = np.arange(len(wide))
    return min(
        float(wide[rows, columns].sum())
        for columns in map(list, itertools.permutations(range(wide.shape[1]), len(wide)))
    )


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (3, 5), (6, 3), (5, 6), (1, 4)])
def test_no_assignment_is_cheaper(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for cost in (rng.standard_normal((20, *shape)), rng.integers(0, 3, (20, *shape))):
        for one in cost:
            rows, columns = assignment(one)
            assert one[rows, columns].sum() == pytest.approx(cheapest(one))


@pytest.mark.parametrize("shape", [(30, 40), (40, 30), (35, 35)])
def test_every_point_of_the_smaller_set_has_a_partner_of_its_own(shape: tuple[int, int]) -> None:
    rows, columns = assignment(np.random.default_rng(0).random(shape))
    for chosen, length in ((rows, shape[0]), (columns, shape[1])):
        assert len(set(chosen.tolist())) == min(shape) and chosen.max() < length
    assert (np.diff(rows) > 0).all()


def test_a_hidden_permutation_is_found() -> None:
    permutation = np.random.default_rng(0).permutation(50)
    cost = np.ones((50, 50))
    cost[np.arange(50), permutation] = 0
    np.testing.assert_array_equal(assignment(cost)[1], permutation)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_nothing_is_assigned_to_nobody(shape: tuple[int, int]) -> None:
    rows, columns = assignment(np.zeros(shape))
    assert len(rows) == len(columns) == 0


def test_a_cost_that_is_no_number_is_refused() -> None:
    with pytest.raises(BpnpError, match="finite"):
        assignment(np.array([[0.0, np.nan]]))
