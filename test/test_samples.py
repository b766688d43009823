"""What is done to a sample, and how samples become batches."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from paper_sets import samples

from bpnp_ros.errors import DataSetError
from training.datasets.reference_layout import StoredSamples
from training.datasets.sample import Sample, collate
from training.datasets.shapes import ShapeViews
from training.datasets.source import Epoch, batches_of_epoch


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def sample() -> Sample:
    return samples(1, points=40)[0]


def pairs(sample: Sample) -> set[tuple[float, float]]:
    """First coordinates of keypoint and point of each pair: they name the pair."""
    matched = sample.partner >= 0
    keypoints = sample.p2d[sample.partner[matched], 0].tolist()
    return set(zip(keypoints, sample.p3d[matched, 0].tolist(), strict=True))


def test_shuffling_keeps_every_pair(sample: Sample, rng: np.random.Generator) -> None:
    shuffled = sample.shuffled(rng)
    assert pairs(shuffled) == pairs(sample)
    assert (shuffled.p3d != sample.p3d).any()


def test_thinning_keeps_true_pairs_and_the_share_of_outliers(
    sample: Sample, rng: np.random.Generator
) -> None:
    full = sample.with_outliers(0.5, rng)
    thin = full.thinned(30, rng)
    assert (len(thin.p2d), len(thin.p3d), len(pairs(thin))) == (30, 30, 20)
    assert pairs(thin) < pairs(full)


def test_half_as_many_outliers_make_one_point_in_three(
    sample: Sample, rng: np.random.Generator
) -> None:
    full = sample.with_outliers(0.5, rng)
    assert (len(full.p2d), len(full.p3d)) == (60, 60)
    assert (full.partner < 0).sum() == 20 and pairs(full) == pairs(sample)
    for points, inside in ((full.p2d, sample.p2d), (full.p3d, sample.p3d)):
        assert (points.min(axis=0) >= inside.min(axis=0)).all()
        assert (points.max(axis=0) <= inside.max(axis=0)).all()


def test_a_batch_is_padded_by_repeating_points() -> None:
    small, large = samples(1, points=5)[0], samples(1, points=8)[0]
    batch = collate([small, large], length=12)
    assert batch.p2d.shape == (2, 12, 2) and batch.p3d.shape == (2, 12, 3)
    assert batch.num_points_2d.tolist() == [5, 8]
    np.testing.assert_allclose(batch.p3d[0, 5:10], small.p3d, rtol=1e-6)


def test_padding_has_no_partner() -> None:
    small, large = samples(1, points=5)[0], samples(1, points=8)[0]
    C = collate([small, large], length=12).C
    assert C.sum((1, 2)).tolist() == [5, 8]
    assert not C[0, 5:].any() and not C[0, :, 5:].any()
    for j, i in enumerate(small.partner):
        assert C[0, i, j] == 1


def test_detectability_becomes_a_prior_on_true_points() -> None:
    sample = samples(1, points=5)[0]._replace(detectability=np.array([1, 0.5, 0.25, 0.25, 0.5]))
    batch = collate([sample.shuffled(np.random.default_rng(0))], length=8)
    prior = {round(float(p), 3) for p in batch.prior_3d[0]}
    assert prior == {0.0, 0.1, 0.2, 0.4} and batch.prior_3d[0, 5:].sum() == 0
    assert batch.inputs(detectability=True)[-1] is batch.prior_3d
    assert batch.inputs(detectability=False)[-1] is None


def test_a_sample_depends_on_seed_epoch_and_index_alone() -> None:
    shapes = ShapeViews(np.random.default_rng(0).standard_normal((3, 50, 3)))
    first = Epoch(shapes, seed=1, epoch=2)[1].p2d
    in_other_order = Epoch(shapes, seed=1, epoch=2)
    in_other_order[0], in_other_order[2]
    np.testing.assert_array_equal(in_other_order[1].p2d, first)
    for seed, epoch, index in ((2, 2, 1), (1, 3, 1), (1, 2, 0)):
        assert (Epoch(shapes, seed, epoch)[index].p2d != first).any()


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(DataSetError, match="no samples"):
        Epoch(StoredSamples([]), seed=0)


def test_every_sample_comes_once_an_epoch_in_another_order() -> None:
    first, second = (batches_of_epoch(12, 4, seed=0, epoch=epoch) for epoch in (0, 1))
    assert sorted(chain(*first)) == sorted(chain(*second)) == list(range(12))
    assert first != second and first == batches_of_epoch(12, 4, seed=0, epoch=0)


def test_processes_share_each_batch() -> None:
    whole = batches_of_epoch(10, 4, seed=0, epoch=0)
    parts = [batches_of_epoch(10, 4, 0, 0, rank, world=2) for rank in range(2)]
    assert [a + b for a, b in zip(*parts, strict=True)] == whole
    assert set(chain(*whole)) == set(range(10)) and {len(rows) for rows in whole} == {4}
