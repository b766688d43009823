from __future__ import annotations

import numpy as np
import pytest
import torch

from bpnp_ros.pnp.candidates import candidate_limit, candidate_pairs, most_probable_pairs


@pytest.mark.parametrize(
    ("m", "n", "padded", "limit"),
    [
        (1000, 1000, 1000, 1000),
        (200, 300, 1000, 300),
        (300, 200, 1000, 300),
        (100, 100, 100, 150),
        (3, 100, 100, 10),
        (0, 0, 100, 10),
    ],
)
def test_one_and_a_half_candidates_a_point_within_bounds(
    m: int, n: int, padded: int, limit: int
) -> None:
    assert candidate_limit(m, n, padded) == limit


def test_pairs_come_most_probable_first() -> None:
    P = torch.tensor([[0.1, 0.0, 0.3], [0.05, 0.4, 0.15]])
    pairs = most_probable_pairs(P, 4)
    assert pairs.keypoint.tolist() == [1, 0, 1, 0]
    assert pairs.point.tolist() == [1, 2, 2, 0]
    torch.testing.assert_close(pairs.probability, torch.tensor([0.4, 0.3, 0.15, 0.1]))


def test_padding_and_nan_are_never_candidates() -> None:
    P = torch.tensor([[0.6, torch.nan, 0.0], [0.0, 0.4, 0.0]])
    pairs = most_probable_pairs(P, 6)
    assert list(zip(pairs.keypoint.tolist(), pairs.point.tolist(), strict=True)) == [(0, 0), (1, 1)]


@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (3, 0), (3, 4)])
def test_an_empty_plan_has_no_candidates(shape: tuple[int, int]) -> None:
    assert len(most_probable_pairs(torch.zeros(shape), 10).keypoint) == 0


def test_every_item_gets_its_own_number() -> None:
    P = torch.rand(2, 40, 40, generator=torch.Generator().manual_seed(0))
    counts = torch.tensor([[40], [12]])
    first, second = candidate_pairs(P, torch.rand(2, 40, 2), torch.rand(2, 40, 3), counts, counts)
    assert (len(first[0]), len(second[0])) == (60, 18)


def test_pairs_of_a_batch_are_the_most_probable_ones_without_those_that_cannot_be() -> None:
    generator = torch.Generator().manual_seed(0)
    P, p2d, p3d = (torch.rand(2, *shape, generator=generator) for shape in ((9, 7), (9, 2), (7, 3)))
    P[0, :, 4:], P[1, 2, 3] = 0, torch.nan
    counts = torch.tensor([9, 9]), torch.tensor([4, 7])
    for b, (xy, points) in enumerate(candidate_pairs(P, p2d, p3d, *counts)):
        pairs = most_probable_pairs(P[b], 10)
        np.testing.assert_allclose(xy, p2d[b, pairs.keypoint])
        np.testing.assert_allclose(points, p3d[b, pairs.point])


@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (3, 0)])
def test_a_batch_of_empty_sets_has_no_pairs(shape: tuple[int, int]) -> None:
    sets = torch.zeros(1, *shape), torch.zeros(1, shape[0], 2), torch.zeros(1, shape[1], 3)
    ((xy, points),) = candidate_pairs(*sets, torch.tensor([shape[0]]), torch.tensor([shape[1]]))
    assert xy.shape == (0, 2) and points.shape == (0, 3)
