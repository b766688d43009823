"""A first look at very many poses of a map in which nothing hides anything."""

from __future__ import annotations

import math

import numpy as np

from bpnp_ros.backends.numba import compiled
from bpnp_ros.localizer.compiled.given import Doubles, Floats, Image, Rows, Space
from bpnp_ros.localizer.compiled.view import image_of


@compiled
def glance(space: Space, image: Image, close: Rows, poses: Doubles, level: float) -> Floats:
    """(P,) bits of poses (P, 4, 4): so many for each keypoint that a point in view is close to.

    close: (rows, columns) of cells of the image, a bit for each keypoint there. level: of a pair,
    if one point alone were in view.
    """
    bits = np.empty(len(poses), np.float32)
    for p in range(len(poses)):
        explained, count = _met(space, image, close, poses[p])
        met = 0
        while explained:
            explained &= explained - 1
            met += 1
        bits[p] = met * max(level - math.log2(max(count, 1)), 0.0)
    return bits


@compiled
def _met(space: Space, image: Image, close: Rows, T: Doubles) -> tuple[int, int]:
    """The bits of the keypoints that have a point beside them, and how many points are in view."""
    points, seen, chance = space.points, space.seen[0], space.chance[0]
    (left, right), (top, bottom), fisheye = image.x, image.y, image.fisheye
    across, down = close.shape[1] / (right - left), close.shape[0] / (bottom - top)
    x_0, y_0, z_0 = np.float32(T[0, 3]), np.float32(T[1, 3]), np.float32(T[2, 3])
    a, b, c = np.float32(T[0, 0]), np.float32(T[1, 0]), np.float32(T[2, 0])
    d, e, f = np.float32(T[0, 1]), np.float32(T[1, 1]), np.float32(T[2, 1])
    g, h, i = np.float32(T[0, 2]), np.float32(T[1, 2]), np.float32(T[2, 2])
    sight, nearest = np.float32(space.sight**2), np.float32(image.nearest**2)
    explained, count = np.int64(0), 0
    for column in range(np.uintp(len(seen))):
        row = np.uintp(seen[column])
        if chance[column] <= 0:
            break
        X, Y, Z = points[row, 0] - x_0, points[row, 1] - y_0, points[row, 2] - z_0
        squared, z = X * X + Y * Y + Z * Z, g * X + h * Y + i * Z
        if squared >= sight or (squared if fisheye else z * abs(z)) <= nearest:
            continue
        x, y = a * X + b * Y + c * Z, d * X + e * Y + f * Z
        u, v = image_of(fisheye, image.nearest, x, y, z)
        if left < u < right and top < v < bottom:
            explained |= close[np.uintp((v - top) * down), np.uintp((u - left) * across)]
            count += 1
    return int(explained), count
