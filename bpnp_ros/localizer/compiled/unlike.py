"""Which of many vectors are not like an earlier one."""

from __future__ import annotations

import numpy as np

from bpnp_ros.backends.numba import compiled
from bpnp_ros.localizer.compiled.loops import Floats, Rows


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
