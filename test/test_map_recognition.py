"""A bundle knows its map again, and no other."""

from __future__ import annotations

import numpy as np
import pytest

from bpnp_ros.point_map.cleaning import clean_map, thin_to_voxels
from bpnp_ros.point_map.recognise import is_same_map, share_in_cloud

RNG = np.random.default_rng(0)
CLOUD = RNG.uniform(0, 1, (20_000, 3)) * [20, 15, 3] + [500_000.0, 4_000_000.0, 50.0]
BUNDLE = clean_map(CLOUD[RNG.permutation(20_000)[:1000]])
TOLERANCE = 0.05


def test_the_map_is_recognised_in_another_order_and_with_more_around_it() -> None:
    surroundings = RNG.uniform(-50, 50, (5000, 3)) + CLOUD.mean(axis=0)
    copy = RNG.permutation(np.vstack([CLOUD, surroundings]))
    assert share_in_cloud(copy, BUNDLE, TOLERANCE) == 1


def test_a_voxelised_copy_is_recognised() -> None:
    cells = np.floor(CLOUD / 0.05)
    assert is_same_map((np.unique(cells, axis=0) + 0.5) * 0.05, BUNDLE, TOLERANCE)


def test_a_copy_thinned_to_the_tolerance_is_recognised() -> None:
    thinned = thin_to_voxels(clean_map(CLOUD), 0.02)
    assert is_same_map(thinned.points + thinned.origin, BUNDLE, TOLERANCE)


@pytest.mark.parametrize(
    "other",
    [
        CLOUD + np.array([0.4, 0, 0]),
        2 * CLOUD.mean(axis=0) - CLOUD,
        CLOUD.mean(axis=0) + (CLOUD - CLOUD.mean(axis=0)) * [1, -1, 1],
        CLOUD * 1.001,
        CLOUD - CLOUD.mean(axis=0),
        CLOUD[:18_000],
        CLOUD[:1],
        np.zeros((0, 3)),
        np.full((10, 3), np.nan),
    ],
    ids=[
        *["shifted", "turned over", "mirrored", "scaled", "at the origin"],
        *["cropped to less", "one point", "empty", "NaN"],
    ],
)
def test_another_map_is_not_recognised(other: np.ndarray) -> None:
    assert not is_same_map(other, BUNDLE, TOLERANCE)


@pytest.mark.parametrize("tolerance", [0.1, 0.3, 1.0])
def test_the_share_is_what_comparing_every_pair_gives(tolerance: float) -> None:
    points = BUNDLE.points[:300].astype(np.float64)
    bundle = clean_map(points + BUNDLE.origin)
    cloud = RNG.uniform(-10, 10, (2000, 3)) * [1, 0.75, 0.15] + BUNDLE.origin
    distance = np.linalg.norm(bundle.points[:, None] + bundle.origin - cloud, axis=2)
    expected = (distance.min(axis=1) <= tolerance).mean()
    assert expected > 0
    assert share_in_cloud(cloud, bundle, tolerance) == pytest.approx(expected)
