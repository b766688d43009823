"""Which of many vectors are not like an earlier one."""

from __future__ import annotations

import numpy as np

from bpnp_ros.backends.numba import compiled
from bpnp_ros.localizer.compiled.given import Doubles, Floats, Rows


@compiled
def unlike(vectors: Floats, most: int) -> Rows:
    """Rows of the first `most` of vectors (V, D) that lie further than 1 from all rows before."""
    rows, count = np.empty(most, np.int64), 0
    for v in range(len(vectors)):
        near = False
        for k in range(count):
            squared = np.float32(0)
            for i in range(vectors.shape[1]):
                squared += (vectors[v, i] - vectors[rows[k], i]) ** 2
            if squared <= 1:
                near = True
                break
        if not near:
            rows[count] = v
            count += 1
            if count == most:
                break
    return rows[:count]


@compiled
def distinct(poses: Doubles, distance: float, cosine: float, most: int) -> Rows:
    """As `descent.distinct`; cosine: of the angle."""
    rows, count = np.empty(min(most, len(poses)), np.int64), 0
    for p in range(len(poses)):
        if count == len(rows):
            break
        near = False
        for k in range(count):
            squared, trace = 0.0, 0.0
            for i in range(3):
                squared += (poses[p, i, 3] - poses[rows[k], i, 3]) ** 2
                for j in range(3):
                    trace += poses[p, i, j] * poses[rows[k], i, j]
            if not (squared > distance**2 or (trace - 1) / 2 < cosine):
                near = True
                break
        if not near:
            rows[count] = p
            count += 1
    return rows[:count]
