"""The cheapest one-to-one assignment: what the paper compares Sinkhorn with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import BpnpError

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


def assignment(cost: Array) -> tuple[Rows, Rows]:
    """Rows and columns (K,), K = min(M, N), whose sum of `cost` (M, N) is smallest; rows ascend.

    The Hungarian algorithm in its form of shortest augmenting paths with potentials, O(K^2 max(M,
    N)). Raises BpnpError for a cost that is not finite.
    """
    cost = np.asarray(cost, np.float64)
    if not np.isfinite(cost).all():
        raise BpnpError("an assignment needs finite costs.")
    if cost.shape[0] > cost.shape[1]:
        columns, rows = assignment(cost.T)
        order = np.argsort(rows)
        return rows[order], columns[order]
    owner = np.full(cost.shape[1], -1)
    potential = np.zeros(cost.shape[0]), np.zeros(cost.shape[1])
    for row in range(cost.shape[0]):
        _augment(cost, row, owner, *potential)
    columns = np.flatnonzero(owner >= 0)
    order = np.argsort(owner[columns])
    return owner[columns][order], columns[order]


def _augment(cost: Array, row: int, owner: Rows, u: Array, v: Array) -> None:
    """Give `row` a column, moving owners along the shortest path to a free one (Dijkstra)."""
    distance = np.full(len(v), np.inf)
    previous = np.full(len(v), -1)
    done = np.zeros(len(v), bool)
    so_far, column, current = 0.0, -1, row
    while current >= 0:
        through = so_far + cost[current] - u[current] - v
        shorter = ~done & (through < distance)
        distance[shorter], previous[shorter] = through[shorter], column
        column = int(np.where(done, np.inf, distance).argmin())
        so_far, current = float(distance[column]), int(owner[column])
        done[column] = True
    u[row] += so_far
    u[owner[done & (owner >= 0)]] += so_far - distance[done & (owner >= 0)]
    v[done] -= so_far - distance[done]
    while column >= 0:
        owner[column] = row if previous[column] < 0 else owner[previous[column]]
        column = int(previous[column])
