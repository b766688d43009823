"""Products with rows of half-precision numbers, which processors convert slowly one by one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends.numba import compiled
from bpnp_ros.localizer.compiled.given import Floats

SCALE = 2.0**112  # between the exponents' offsets of half and single precision


@compiled
def products(rows: NDArray[np.uint16], vector: Floats) -> Floats:
    """(V,) of the bits of float16 rows (V, C) with a vector (C,); infinity is not among them."""
    found, scaled = np.empty(len(rows), np.float32), vector * np.float32(SCALE)
    for r in range(len(rows)):
        total = np.float32(0)
        for c in range(np.uintp(rows.shape[1])):
            bits = np.uint32(rows[r, c])
            sign = np.uint32(np.uint32(bits & np.uint32(0x8000)) << np.uint32(16))
            size = np.uint32(np.uint32(bits & np.uint32(0x7FFF)) << np.uint32(13))
            total += np.uint32(sign | size).view(np.float32) * scaled[c]
        found[r] = total
    return found
