"""How well poses explain a frame that is looked up, as `proposers/views/frame_field.py` has it."""

from __future__ import annotations

import numpy as np

from bpnp_ros.backends.numba import compiled
from bpnp_ros.localizer.compiled.arithmetic import log2
from bpnp_ros.localizer.compiled.given import BITS, Doubles, Grid, Space
from bpnp_ros.localizer.compiled.view import image_of, nearest_place


@compiled
def field_nats(space: Space, grid: Grid, poses: Doubles) -> Doubles:
    """(V,) of poses (V, 4, 4)."""
    nats = np.empty(len(poses))
    for v in range(len(poses)):
        nats[v] = _nats(space, grid, poses[v]) / BITS
    return nats


@compiled
def _nats(space: Space, grid: Grid, T: Doubles) -> float:
    """Bits that a pose (4, 4) explains."""
    place, total = np.uintp(nearest_place(space, T)), np.float32(0)
    points, (left, right), (top, bottom) = space.points, grid.x, grid.y
    across, down = grid.columns / (right - left), grid.rows / (bottom - top)
    R, t = T[:3, :3].astype(np.float32), T[:3, 3].astype(np.float32)
    told, surest = len(grid.gain) > 1, np.float32(grid.surest)
    for k in range(np.uintp(min(space.seen.shape[1], grid.most))):
        chance, row = space.chance[place, k], np.uintp(space.seen[place, k])
        if chance <= 0:
            break
        dx, dy, dz = points[row, 0] - t[0], points[row, 1] - t[1], points[row, 2] - t[2]
        z = R[0, 2] * dx + R[1, 2] * dy + R[2, 2] * dz
        ahead = dx * dx + dy * dy + dz * dz if grid.fisheye else z * abs(z)
        if ahead <= grid.nearest * grid.nearest:
            continue
        x = R[0, 0] * dx + R[1, 0] * dy + R[2, 0] * dz
        y = R[0, 1] * dx + R[1, 1] * dy + R[2, 1] * dz
        u, v = image_of(grid.fisheye, grid.nearest, x, y, z)
        if left <= u < right and top <= v < bottom:
            column, line = int(across * (u - left)), int(down * (v - top))
            cell = min(line, grid.rows - 1) * grid.columns + min(column, grid.columns - 1)
            gain = grid.gain[row if told else np.uintp(0), np.uintp(cell)]
            total += log2(1 + min(chance, surest) * (gain - 1))
    return float(total)
