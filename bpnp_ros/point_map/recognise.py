"""Is this the map that a bundle was made for? Told by geometry, never by a hash of bytes."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.point_map.point_map import PointMap

ENOUGH = 0.95
_CELLS_PER_AXIS = 1 << 21
_PAIRS_AT_ONCE = 1 << 21

Points = NDArray[np.float32]
Integers = NDArray[np.int64]


def is_same_map(
    cloud: NDArray[np.floating], bundle: PointMap, tolerance: float, enough: float = ENOUGH
) -> bool:
    """Whether `enough` of the bundle's points lie in the cloud; see `share_in_cloud`."""
    return share_in_cloud(cloud, bundle, tolerance) >= enough


def share_in_cloud(cloud: NDArray[np.floating], bundle: PointMap, tolerance: float) -> float:
    """Share of the bundle's points with a point of the cloud within `tolerance` metres.

    cloud: (N, 3) in the map's own frame, in any order; it may hold more than the bundle does.
    Memory grows with the two sizes, never with their product: the cloud is sorted into cells of
    the tolerance's size, and each point looks into the cells around it.
    """
    recentred = (np.asarray(cloud, np.float64) - bundle.origin).astype(np.float32)
    low, high = bundle.points.min(axis=0) - tolerance, bundle.points.max(axis=0) + tolerance
    near = recentred[((recentred >= low) & (recentred <= high)).all(axis=1)]
    size = max(tolerance, float((high - low).max()) / (_CELLS_PER_AXIS // 2))
    keys = _cell_keys(_cells(near, low, size))
    order = np.argsort(keys)
    near, keys = near[order], keys[order]
    missing = bundle.points
    for across in product((-1, 0, 1), repeat=2):
        cells = _cells(missing, low, size)
        below, above = np.array([*across, -1]), np.array([*across, 1])
        first = np.searchsorted(keys, _cell_keys(cells + below), side="left")
        end = np.searchsorted(keys, _cell_keys(cells + above), side="right")
        missing = missing[~_any_within(tolerance, missing, near, first, end)]
    return 1 - len(missing) / len(bundle)


def _cells(points: Points, low: Points, size: float) -> Integers:
    """Cell of each point (N, 3), from 1 on, so that a neighbour's number is never negative."""
    return ((points - low) / size).astype(np.int64) + 1


def _cell_keys(cells: Integers) -> Integers:
    """One number a cell; cells above one another have successive numbers."""
    return (cells[:, 0] * _CELLS_PER_AXIS + cells[:, 1]) * _CELLS_PER_AXIS + cells[:, 2]


def _any_within(
    tolerance: float, points: Points, cloud: Points, first: Integers, end: Integers
) -> NDArray[np.bool_]:
    """Whether any of cloud[first[i]:end[i]] lies within the tolerance of point i -> (N,)."""
    pairs_before = np.concatenate([[0], np.cumsum(end - first)])
    found = np.zeros(len(points), bool)
    for start in range(0, int(pairs_before[-1]), _PAIRS_AT_ONCE):
        pair = np.arange(start, min(start + _PAIRS_AT_ONCE, int(pairs_before[-1])))
        point = np.searchsorted(pairs_before, pair, side="right") - 1
        partner = first[point] + pair - pairs_before[point]
        distance = np.linalg.norm(points[point] - cloud[partner], axis=1)
        found[point[distance <= tolerance]] = True
    return found
