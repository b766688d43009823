"""What a pose has in view, and where in its image."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bpnp_ros.backends.numba import compiled
from bpnp_ros.localizer.compiled.arithmetic import log2
from bpnp_ros.localizer.compiled.given import Doubles, Floats, Image, Lookup, Rows, Space

LEAST_TOTAL = 1e-6


class View(NamedTuple):
    """K points in view of a pose and S slots of keypoints.

    point: (K,) rows of the map. placed: (3, K) in the map. level: (K,) log2 of the point's share of
    all that should be seen. total: (1,) how many points that is. at: (3, K) in the camera.
    image: (2, K). near: (4, K) bands from and to, and strips, of the keypoints that may be meant.
    share: (4, K) sum over keypoints of shares, and of shares times distance in x, in y and squared.
    heard: (K,) the most that this sum can be. aim: (3, K) the image of the point's direction, of
    length 1, and 1; 0 where unknown. gain: (S,) likelihood of a keypoint over clutter. part: (S,)
    share of clutter. told: (1, S) what cues say of the pairs of a point that has a direction, bits.
    """

    point: Rows
    placed: Floats
    level: Floats
    total: Doubles
    at: Floats
    image: Floats
    near: Rows
    share: Floats
    heard: Floats
    aim: Floats
    gain: Floats
    part: Floats
    told: Floats


@compiled
def room_for(space: Space, image: Image) -> View:
    K, S = space.seen.shape[1], len(image.u)
    rows, floats = np.empty((5, K), np.int64), np.empty((17, K), np.float32)
    level, heard, keypoints = floats[0], floats[1], np.empty((3, S), np.float32)
    placed, at, images, share = floats[2:5], floats[5:8], floats[8:10], floats[10:14]
    seen = rows[0], placed, level, np.empty(1), at, images, rows[1:], share, heard, floats[14:]
    return View(*seen, keypoints[0], keypoints[1], keypoints[2:])


@compiled
def look(space: Space, image: Image, T: Doubles, most: int, view: View) -> int:
    """The likeliest `most` of the points in view of a pose (4, 4); returns how many they are."""
    place, count = np.uintp(nearest_place(space, T)), 0
    points, seen, chances, placed = space.points, space.seen, space.chance, view.placed
    level, fisheye, nearest = view.level, image.fisheye, image.nearest
    (left, right), (top, bottom) = image.x, image.y
    R, t = T[:3, :3].astype(np.float32), T[:3, 3].astype(np.float32)
    sight, total = np.float32(space.sight**2), 0.0
    for column in range(np.uintp(seen.shape[1])):
        chance, row = chances[place, column], np.uintp(seen[place, column])
        if chance <= 0 or count == most:
            break
        X, Y, Z = points[row, 0], points[row, 1], points[row, 2]
        dx, dy, dz = X - t[0], Y - t[1], Z - t[2]
        squared = dx * dx + dy * dy + dz * dz
        z = R[0, 2] * dx + R[1, 2] * dy + R[2, 2] * dz
        if squared >= sight or (squared if fisheye else z * abs(z)) <= nearest * nearest:
            continue
        x = R[0, 0] * dx + R[1, 0] * dy + R[2, 0] * dz
        y = R[0, 1] * dx + R[1, 1] * dy + R[2, 1] * dz
        u, v = image_of(fisheye, nearest, x, y, z)
        if left < u < right and top < v < bottom:
            placed[0, count], placed[1, count], placed[2, count] = X, Y, Z
            level[count], view.point[count] = chance, row
            total += chance
            count += 1
    view.total[0] = total
    whole = np.float32(math.log2(max(total, LEAST_TOTAL)))
    for k in range(count):
        level[k] = log2(level[k]) - whole
    return count


@compiled
def nearest_place(space: Space, T: Doubles) -> int:
    """The place that stands for a pose."""
    at = T[:3, 3] / space.reach
    cell = _cell_of(space.cells, at)
    if cell >= 0:
        best, least = _nearest_of(space, T, at, space.cells.row[cell])
        if least <= space.cells.side**2:
            return best
    return _nearest_of(space, T, at, space.rows)[0]


@compiled
def _cell_of(cells: Lookup, at: Doubles) -> int:
    """The row of the cell about a position, in reaches; -1 where no place is near."""
    key = 0
    for axis in range(3):
        cell = math.floor(at[axis] / cells.side) - cells.low[axis]
        if cell < 0 or cell >= cells.shape[axis]:
            return -1
        key = key * cells.shape[axis] + cell
    row = int(np.searchsorted(cells.key, key))
    return row if row < len(cells.key) and cells.key[row] == key else -1


@compiled
def _nearest_of(space: Space, T: Doubles, at: Doubles, rows: Rows) -> tuple[int, float]:
    """Of some places, and its squared distance in reaches."""
    anchors, axes = space.anchors, space.axes
    x, y, z = at[0], at[1], at[2]
    best, least = 0, np.inf
    for a in rows:
        distance = (x - anchors[0, a]) ** 2 + (y - anchors[1, a]) ** 2 + (z - anchors[2, a]) ** 2
        if axes.shape[1]:
            cosine = T[0, 2] * axes[0, a] + T[1, 2] * axes[1, a] + T[2, 2] * axes[2, a]
            distance += (2 - 2 * cosine) / space.tilt**2
        if distance < least:
            best, least = a, distance
    return best, least


@compiled
def project(image: Image, T: Doubles, count: int, view: View) -> None:
    """Where a pose (4, 4) has the points that have been looked up, and where in its image."""
    X, Y, Z = view.placed[0, :count], view.placed[1, :count], view.placed[2, :count]
    tx, ty, tz = np.float32(T[0, 3]), np.float32(T[1, 3]), np.float32(T[2, 3])
    for i in range(3):
        along = view.at[i, :count]
        rx, ry, rz = np.float32(T[0, i]), np.float32(T[1, i]), np.float32(T[2, i])
        for k in range(count):
            along[k] = rx * (X[k] - tx) + ry * (Y[k] - ty) + rz * (Z[k] - tz)
    x, y, z = view.at[0, :count], view.at[1, :count], view.at[2, :count]
    u, v = view.image[0, :count], view.image[1, :count]
    if image.fisheye:
        for k in range(count):
            u[k], v[k] = image_of(True, image.nearest, x[k], y[k], z[k])
    else:
        nearest = np.float32(image.nearest)
        for k in range(count):
            scale = np.float32(1) / max(z[k], nearest)
            u[k], v[k] = scale * x[k], scale * y[k]
    if len(image.directions):
        _aim(image, T, count, view)


@compiled
def _aim(image: Image, T: Doubles, count: int, view: View) -> None:
    """Which way the features of points in view point in the image."""
    J, along = np.empty((2, 6)), np.empty(3)
    for k in range(count):
        direction = image.directions[view.point[k]]
        for i in range(3):
            along[i] = T[0, i] * direction[0] + T[1, i] * direction[1] + T[2, i] * direction[2]
        jacobian(image, view, k, J)
        right = -(J[0, 0] * along[0] + J[0, 1] * along[1] + J[0, 2] * along[2])
        down = -(J[1, 0] * along[0] + J[1, 1] * along[1] + J[1, 2] * along[2])
        length = math.hypot(right, down)
        view.aim[0, k], view.aim[1, k] = right / max(length, 1e-12), down / max(length, 1e-12)
        view.aim[2, k] = 1 if length > 0 else 0


@compiled
def image_of(fisheye: bool, nearest: float, x: float, y: float, z: float) -> tuple[float, float]:
    if fisheye:
        radius = max(math.hypot(x, y), 1e-9)
        scale = math.atan2(radius, z) / radius
    else:
        scale = 1 / max(z, nearest)
    return scale * x, scale * y


@compiled
def jacobian(image: Image, view: View, k: int, J: Doubles) -> None:
    """As `Chart.jacobian`, of a point in view; J (2, 6 or more)."""
    x, y, z = float(view.at[0, k]), float(view.at[1, k]), float(view.at[2, k])
    if not image.fisheye:
        z = max(z, image.nearest)
        u, v = x / z, y / z
        J[0, 0], J[0, 1], J[0, 2] = -1 / z, 0.0, u / z
        J[0, 3], J[0, 4], J[0, 5] = u * v, -1 - u * u, v
        J[1, 0], J[1, 1], J[1, 2] = 0.0, -1 / z, v / z
        J[1, 3], J[1, 4], J[1, 5] = 1 + v * v, -u * v, -u
        return
    across, squared = math.hypot(x, y), x * x + y * y + z * z
    scale = math.atan2(max(across, 1e-9), z) / max(across, 1e-9)
    bend = -2 / (3 * max(abs(z), 1e-6) ** 3)
    if across >= 1e-3 * math.sqrt(squared):
        bend = (z / squared - scale) / across**2
    along = (scale + bend * x * x, bend * x * y, -x / squared)
    down = (bend * x * y, scale + bend * y * y, -y / squared)
    for row, (a, b, c) in enumerate((along, down)):
        J[row, 0], J[row, 1], J[row, 2] = -a, -b, -c
        J[row, 3], J[row, 4], J[row, 5] = b * z - c * y, c * x - a * z, a * y - b * x
