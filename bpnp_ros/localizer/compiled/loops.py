"""The measurement model and its descent, pose by pose: cost goes with keypoints, not with points.

What `measurement.py` and `local_optimisation.py` say in tensors; a test holds the two together. A
keypoint meets the points in its own cell of the image and in those around it; all others together
are less likely than NEGLIGIBLE times clutter. Pairs are float32, poses and equations float64.

One file holds it all: Numba keeps machine code until the file of the function called changes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends.numba import compiled

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Rows = NDArray[np.int64]

MOST_CELLS = 48  # along either side of the image
FEWEST_CELLS = 4  # of which a keypoint meets three
POINTS_A_CELL = 6
NEGLIGIBLE = 1e-4
NO_MASS = 1e-9
NO_SHARE = 1e-5
INLIER_SIGMAS = 3.0
DAMPING = 1e-3  # relative
FIXED = 1e12  # information that lets nothing move


class Space(NamedTuple):
    """A map of N points and what is seen from A places: see `ViewSpace` and `OpenSpace`.

    points: (N, 3). anchors: (A, 3). axes: (A, 3) optical axes, or (0, 3) where any will do. reach:
    (3,). seen, chance: (A, K), the likeliest first. sight: metres.
    """

    points: Floats
    anchors: Floats
    axes: Floats
    reach: Doubles
    tilt: float
    seen: Rows
    chance: Floats
    sight: float


class Held(NamedTuple):
    """What is known of a pose beforehand.

    up: (3,) in the map; held: (3,) the same in a camera that is held as it should be. upright,
    level: information on the tilt, 1/rad^2, and the height, 1/m^2; 0 for none. height: metres.
    """

    turns_only: bool
    up: Doubles
    held: Doubles
    upright: float
    level: float
    height: float


class Image(NamedTuple):
    """Keypoints (M, 2) on the plane of the chart, and the rectangle x, y (low, high) they lie in.

    nats: (M,) added to the log-likelihood ratio of a keypoint's pairs. pairs: (M, N) nats of each,
    or (0, 0). most: what the two may come to. odds: of no clutter, times the area.
    """

    xy: Floats
    nats: Floats
    pairs: Floats
    most: float
    odds: float
    x: tuple[float, float]
    y: tuple[float, float]
    nearest: float
    fisheye: bool


class Steps(NamedTuple):
    """sigmas: (S,) of one step each. look: steps until it is looked up anew what is in view.

    most_points: the likeliest in view. longest: (2,) metres and radians.
    """

    sigmas: Doubles
    look: int
    most_points: int
    longest: tuple[float, float]


class Room(NamedTuple):
    """Where K points in view are put: as the map has them, projected, and by cells of the image.

    placed: (4, K) x, y, z in the map, and the logarithm of the weight's share. point: (K,) rows.
    raw: (5, K) x, y, z in the camera and their image u, v. cell: (K,). start: (cells + 1,).
    sorted: (6, K) as raw, and the log-likelihood ratio at no distance. sorted_point, ratio: (K,).
    share: (4, K) sum over keypoints of shares, and of shares times distance in x, in y and squared.
    gain: (M,) likelihood over clutter. total: (1,) how many points should be seen.
    """

    placed: Floats
    point: Rows
    raw: Floats
    cell: Rows
    start: Rows
    sorted: Floats
    sorted_point: Rows
    ratio: Floats
    share: Floats
    gain: Doubles
    total: Doubles


class Grid(NamedTuple):
    """columns and rows of cells as wide as a keypoint reaches, and cells for each unit; the
    log-likelihood ratio of a pair: level - exponent * squared distance."""

    columns: int
    rows: int
    x_min: float
    y_min: float
    across: float
    down: float
    exponent: float
    level: float


class Noise(NamedTuple):
    """How a frame's noise is found: see `own_noise.py`, which has the numbers and what they mean.

    sigma: what is believed beforehand, as if seen in so many `pairs` more. area: of the image.
    """

    sigma: float
    pairs: float
    fitted: float
    factors: tuple[float, float]
    clutter: tuple[float, float]
    area: float
    rounds: int
    settled: float


@compiled
def evidence(
    space: Space, image: Image, poses: Doubles, sigma: float, most_points: int, shares: Doubles
) -> Doubles:
    """Log-likelihood ratios (P,) of poses (P, 4, 4): the best over the shares (S,) of clutter."""
    room, nats = _room(space.seen.shape[1], len(image.xy)), np.zeros(len(poses))
    area = (image.x[1] - image.x[0]) * (image.y[1] - image.y[0])
    for p in range(len(poses)):
        count = _look(space, image, poses[p], most_points, room)
        _assign(image, poses[p], sigma, image.odds, count, room, False)
        for share in shares:
            nats[p] = max(nats[p], _mixture(room.gain, share, area / image.odds))
    return nats


@compiled
def _mixture(gain: Doubles, share: float, odds: float) -> float:
    """Sum of log(share + (1 - share) odds gain), with few logarithms."""
    total, product = 0.0, 1.0
    for m in range(len(gain)):
        product *= share + (1 - share) * odds * gain[m]
        if product < 1e-200 or product > 1e200:
            total += math.log(product)
            product = 1.0
    return total + math.log(product)


@compiled
def descend(space: Space, held: Held, image: Image, poses: Doubles, steps: Steps) -> None:
    """Move poses (P, 4, 4) by a damped Gauss-Newton step for each sigma."""
    room = _room(space.seen.shape[1], len(image.xy))
    H, g, J, turn = np.empty((6, 6)), np.empty(6), np.empty((2, 6)), np.empty((3, 3))
    for p in range(len(poses)):
        T, count = poses[p], 0
        for i in range(len(steps.sigmas)):
            sigma = steps.sigmas[i]
            if i % steps.look == 0:
                count = _look(space, image, T, steps.most_points, room)
            _assign(image, T, sigma, image.odds, count, room, True)
            _normal_equations(image, count, room, sigma, H, g, J)
            _know(held, T, H, g)
            _move(held, T, H, g, turn, steps.longest)


@compiled
def settle(
    space: Space,
    held: Held,
    image: Image,
    T: Doubles,
    noise: Noise,
    clutter: float,
    longest: tuple[float, float],
) -> tuple[float, float]:
    """Move a pose (4, 4) as the frame's own noise says; returns that, and its share of clutter."""
    room, sigma = _room(space.seen.shape[1], len(image.xy)), noise.sigma
    H, g, J, turn = np.empty((6, 6)), np.empty(6), np.empty((2, 6)), np.empty((3, 3))
    count = _look(space, image, T, space.seen.shape[1], room)
    for _ in range(noise.rounds):
        before, odds = sigma, (1 - clutter) / clutter * noise.area
        _assign(image, T, sigma, odds, count, room, True)
        sigma, clutter = _own_noise(noise, len(image.xy), count, room)
        _normal_equations(image, count, room, sigma, H, g, J)
        _know(held, T, H, g)
        _move(held, T, H, g, turn, longest)
        if abs(sigma - before) < noise.settled * before:
            break
    return sigma, clutter


@compiled
def _own_noise(noise: Noise, keypoints: int, count: int, room: Room) -> tuple[float, float]:
    """What the shares leave of the keypoints' errors, and of clutter."""
    pairs, errors = 0.0, 2 * noise.pairs * noise.sigma**2
    for k in range(count):
        pairs += room.share[0, k]
        errors += room.share[3, k]
    free = max(2 * pairs - noise.fitted, 0.0) + 2 * noise.pairs
    least, most = noise.factors[0] * noise.sigma, noise.factors[1] * noise.sigma
    clutter = min(max(1 - pairs / keypoints, noise.clutter[0]), noise.clutter[1])
    return min(max(math.sqrt(errors / free), least), most), clutter


@compiled
def sight(
    space: Space, image: Image, T: Doubles, sigma: float, shares: Doubles
) -> tuple[Doubles, Doubles, float, tuple[Rows, Rows, Doubles], Doubles]:
    """What a pose (4, 4) shows of a frame: the fields of `Sight`, see `evidence/sight.py`."""
    K, M = space.seen.shape[1], len(image.xy)
    room, H, g = _room(K, M), np.zeros((8, 8)), np.zeros(8)
    count = _look(space, image, T, K, room)
    grid = _assign(image, T, sigma, image.odds, count, room, True)
    hits = 0.0
    for k in range(count):
        hits += min(room.share[0, k], np.float32(1))
    pairs = _pairs(image, sigma, room, *_observe(image, grid, count, room, sigma, H, g))
    area = (image.x[1] - image.x[0]) * (image.y[1] - image.y[0])
    nats = _keypoint_nats(room.gain, shares, area / image.odds)
    return H, g, min(hits / max(room.total[0], 1e-6), 1.0), pairs, nats


@compiled
def _observe(
    image: Image, grid: Grid, count: int, room: Room, sigma: float, H: Doubles, g: Doubles
) -> tuple[Rows, Rows]:
    """As `sight.observed`; and for each keypoint the likeliest of the sorted points, for each of
    those the likeliest keypoint, -1 for none."""
    likeliest, of_point = np.full(len(image.xy), -1), np.full(count, -1)
    J, pull, own = np.empty((2, 8)), np.empty(8), np.empty(8)
    most = np.zeros(count, np.float32)
    for m in range(len(image.xy)):
        part, best = 1 / (1 + _ratios(image, grid, room, m)), np.float32(0)
        left, beyond, top, below = _around(image, grid, m)
        own[:] = 0
        for r in range(top, below):
            for k in range(
                room.start[r * grid.columns + left], room.start[r * grid.columns + beyond]
            ):
                ratio = room.ratio[k]
                if ratio > best:
                    best, likeliest[m] = ratio, k
                if ratio > most[k]:
                    most[k], of_point[k] = ratio, m
                if ratio * part > NO_SHARE:
                    _pull(image, room.sorted[:5, k], image.xy[m], sigma, J, pull)
                    _add_pair(ratio * part, J, pull, sigma, H, g, own)
        for i in range(8):
            for j in range(8):
                H[i, j] += own[i] * own[j]
    return likeliest, of_point


@compiled
def _pull(image: Image, at: Floats, xy: Floats, sigma: float, J: Doubles, pull: Doubles) -> None:
    """pull (8,): of a keypoint on pose, zoom and distortion; J (2, 8): how these move its point."""
    _jacobian(image, at, J)
    u, v = float(at[3]), float(at[4])
    square = u * u + v * v
    J[0, 6], J[1, 6], J[0, 7], J[1, 7] = u, v, square * u, square * v
    for i in range(8):
        pull[i] = (J[0, i] * (xy[0] - u) + J[1, i] * (xy[1] - v)) / sigma**2


@compiled
def _add_pair(
    share: float, J: Doubles, pull: Doubles, sigma: float, H: Doubles, g: Doubles, own: Doubles
) -> None:
    for i in range(8):
        own[i] += share * pull[i]
        g[i] += share * pull[i]
        for j in range(8):
            complete = (J[0, i] * J[0, j] + J[1, i] * J[1, j]) / sigma**2
            H[i, j] += share * (complete - pull[i] * pull[j])


@compiled
def _pairs(
    image: Image, sigma: float, room: Room, likeliest: Rows, of_point: Rows
) -> tuple[Rows, Rows, Doubles]:
    """Keypoints, points and errors (K,) of pairs that are each other's likeliest, and near."""
    M, kept = len(likeliest), 0
    keypoint, point, error = np.empty(M, np.int64), np.empty(M, np.int64), np.empty(M)
    for m in range(M):
        k = likeliest[m]
        if k < 0 or of_point[k] != m:
            continue
        dx, dy = image.xy[m, 0] - room.sorted[3, k], image.xy[m, 1] - room.sorted[4, k]
        error[kept] = math.hypot(dx, dy)
        if error[kept] < INLIER_SIGMAS * sigma:
            keypoint[kept], point[kept] = m, room.sorted_point[k]
            kept += 1
    return keypoint[:kept], point[:kept], error[:kept]


@compiled
def _keypoint_nats(gain: Doubles, shares: Doubles, odds: float) -> Doubles:
    """(M,) with the share of clutter that suits all of them best."""
    best, most = 1.0, 0.0
    for share in shares:
        nats = _mixture(gain, share, odds)
        if nats > most:
            best, most = share, nats
    return np.log(best + (1 - best) * odds * gain)


@compiled
def fit_lens(
    space: Space,
    image: Image,
    T: Doubles,
    lens: Doubles,
    believed: Doubles,
    sigmas: Doubles,
    noise: Noise,
    clutter: float,
    most_points: int,
) -> Doubles:
    """As `lens_fit.fit_lens`, in place: a pose (4, 4) and (focal, bend). sigmas: of each step, 0
    for the frame's own. Returns the information (8, 8) on the two."""
    room, sigma = _room(space.seen.shape[1], len(image.xy)), noise.sigma
    H, A, g = np.empty((8, 8)), np.empty((8, 8)), np.empty(8)
    J, turn = np.empty((2, 8)), np.empty((3, 3))
    count = _look(space, image, T, most_points, room)
    for given in sigmas:
        sigma = given if given > 0 else sigma
        grid = _grid(image, sigma, (1 - clutter) / clutter * noise.area, count)
        _project(image, T, count, room)
        _bend(lens, count, room)
        _sort(image, grid, count, room)
        _meet(image, grid, room, True)
        if given <= 0:
            sigma, clutter = _own_noise(noise, len(image.xy), count, room)
        _lens_equations(image, lens, count, room, sigma, H, g, J)
        for i in range(2):
            g[6 + i] -= believed[6 + i] * lens[i]
        A[:] = H
        for i in range(8):
            A[i, i] += believed[i]
        _solve(A, g)
        lens += g[6:]
        _carry(T, g, turn)
    return H


@compiled
def _bend(lens: Doubles, count: int, room: Room) -> None:
    """Where what has been projected is seen through a lens that is not as told."""
    for k in range(count):
        u, v = room.raw[3, k], room.raw[4, k]
        scale = 1 + lens[0] + lens[1] * (u * u + v * v)
        room.raw[3, k], room.raw[4, k] = scale * u, scale * v


@compiled
def _lens_equations(
    image: Image,
    lens: Doubles,
    count: int,
    room: Room,
    sigma: float,
    H: Doubles,
    g: Doubles,
    J: Doubles,
) -> None:
    H[:], g[:] = 0, 0
    for k in range(count):
        mass = room.share[0, k] / sigma**2
        if mass < NO_MASS:
            continue
        right, down = room.share[1, k] / sigma**2, room.share[2, k] / sigma**2
        _bent_jacobian(image, lens, room.sorted[:5, k], J)
        for i in range(8):
            g[i] += J[0, i] * right + J[1, i] * down
            for j in range(8):
                H[i, j] += mass * (J[0, i] * J[0, j] + J[1, i] * J[1, j])


@compiled
def _bent_jacobian(image: Image, lens: Doubles, at: Floats, J: Doubles) -> None:
    """(2, 8): by the pose, and by focal and bend, of a point x, y, z seen through the lens."""
    u, v = _image_of(image, float(at[0]), float(at[1]), float(at[2]))
    straight = np.array([at[0], at[1], at[2], np.float32(u), np.float32(v)])
    _jacobian(image, straight, J)
    square = u * u + v * v
    scale = 1 + lens[0] + lens[1] * square
    for i in range(6):
        across, down = J[0, i], J[1, i]
        outward = 2 * lens[1] * (u * across + v * down)
        J[0, i], J[1, i] = scale * across + outward * u, scale * down + outward * v
    J[0, 6], J[1, 6], J[0, 7], J[1, 7] = u, v, square * u, square * v


@compiled
def _room(K: int, M: int) -> Room:
    cells = MOST_CELLS * MOST_CELLS
    floats, rows = np.empty((20, K), np.float32), np.empty((3, K), np.int64)
    return Room(
        floats[:4],
        rows[0],
        floats[4:9],
        rows[1],
        np.empty(cells + 1, np.int64),
        floats[9:15],
        rows[2],
        floats[15],
        floats[16:20],
        np.empty(M),
        np.empty(1),
    )


@compiled
def _grid(image: Image, sigma: float, odds: float, count: int) -> Grid:
    """Cells at least as wide as a keypoint reaches; one where more would not save anything."""
    level = math.log(odds / (2 * math.pi * sigma**2))
    reach = sigma * math.sqrt(2 * max(level + image.most - math.log(NEGLIGIBLE), 1.0))
    width, height = image.x[1] - image.x[0], image.y[1] - image.y[0]
    most = min(int(math.sqrt(count / POINTS_A_CELL)), MOST_CELLS)
    columns, rows = min(int(width / reach), most), min(int(height / reach), most)
    if min(columns, rows) < FEWEST_CELLS:
        columns, rows = 1, 1
    across, down, exponent = columns / width, rows / height, 0.5 / sigma**2
    return Grid(columns, rows, image.x[0], image.y[0], across, down, exponent, level)


@compiled
def _look(space: Space, image: Image, T: Doubles, most: int, room: Room) -> int:
    """The likeliest `most` of the points in view of a pose; returns how many they are."""
    anchor, count = _nearest(space, T), 0
    weight = room.placed[3]
    for column in range(space.seen.shape[1]):
        chance, point = space.chance[anchor, column], space.seen[anchor, column]
        if chance <= 0 or count == most:
            break
        X, Y, Z = space.points[point, 0], space.points[point, 1], space.points[point, 2]
        dx, dy, dz = X - T[0, 3], Y - T[1, 3], Z - T[2, 3]
        x = T[0, 0] * dx + T[1, 0] * dy + T[2, 0] * dz
        y = T[0, 1] * dx + T[1, 1] * dy + T[2, 1] * dz
        z = T[0, 2] * dx + T[1, 2] * dy + T[2, 2] * dz
        if dx * dx + dy * dy + dz * dz >= space.sight**2 or not _is_shown(image, x, y, z):
            continue
        u, v = _image_of(image, x, y, z)
        if image.x[0] < u < image.x[1] and image.y[0] < v < image.y[1]:
            room.placed[0, count], room.placed[1, count], room.placed[2, count] = X, Y, Z
            weight[count], room.point[count] = chance, point
            count += 1
    total = 0.0
    for k in range(count):
        total += weight[k]
    room.total[0] = total
    for k in range(count):
        weight[k] = math.log(weight[k] / max(total, 1e-6))
    return count


@compiled
def _nearest(space: Space, T: Doubles) -> int:
    """The place that stands for a pose."""
    best, least = 0, np.inf
    for anchor in range(len(space.anchors)):
        distance = 0.0
        for i in range(3):
            distance += ((T[i, 3] - space.anchors[anchor, i]) / space.reach[i]) ** 2
        if len(space.axes):
            cosine = 0.0
            for i in range(3):
                cosine += T[i, 2] * space.axes[anchor, i]
            distance += (2 - 2 * cosine) / space.tilt**2
        if distance < least:
            best, least = anchor, distance
    return best


@compiled
def _is_shown(image: Image, x: float, y: float, z: float) -> bool:
    if image.fisheye:
        return x * x + y * y + z * z > image.nearest**2
    return z > image.nearest


@compiled
def _image_of(image: Image, x: float, y: float, z: float) -> tuple[float, float]:
    if image.fisheye:
        radius = max(math.hypot(x, y), 1e-9)
        scale = math.atan2(radius, z) / radius
    else:
        scale = 1 / max(z, image.nearest)
    return scale * x, scale * y


@compiled
def _project(image: Image, T: Doubles, count: int, room: Room) -> None:
    """raw: what has been put down, in the camera and in its image."""
    X, Y, Z = room.placed[0, :count], room.placed[1, :count], room.placed[2, :count]
    u, v, nearest = room.raw[3, :count], room.raw[4, :count], np.float32(image.nearest)
    tx, ty, tz = np.float32(T[0, 3]), np.float32(T[1, 3]), np.float32(T[2, 3])
    for i in range(3):
        along = room.raw[i, :count]
        rx, ry, rz = np.float32(T[0, i]), np.float32(T[1, i]), np.float32(T[2, i])
        for k in range(count):
            along[k] = rx * (X[k] - tx) + ry * (Y[k] - ty) + rz * (Z[k] - tz)
    x, y, z = room.raw[0, :count], room.raw[1, :count], room.raw[2, :count]
    if image.fisheye:
        for k in range(count):
            u[k], v[k] = _image_of(image, x[k], y[k], z[k])
    else:
        for k in range(count):
            scale = np.float32(1) / max(z[k], nearest)
            u[k] = scale * x[k]
            v[k] = scale * y[k]


@compiled
def _cell(position: float, low: float, per_unit: float, cells: int) -> int:
    return int(min(max((position - low) * per_unit, 0.0), cells - 1.0))


@compiled
def _sort(image: Image, grid: Grid, count: int, room: Room) -> None:
    """sorted: what has been projected, cell by cell; nobody has a share of it yet."""
    cells = grid.columns * grid.rows
    start, cell = room.start, room.cell
    for c in range(cells + 1):
        start[c] = 0
    for k in range(count):
        column = _cell(room.raw[3, k], grid.x_min, grid.across, grid.columns)
        row = _cell(room.raw[4, k], grid.y_min, grid.down, grid.rows)
        cell[k] = row * grid.columns + column
        start[cell[k] + 1] += 1
    for c in range(cells):
        start[c + 1] += start[c]
    for k in range(count - 1, -1, -1):
        start[cell[k] + 1] -= 1
        at = start[cell[k] + 1]
        for i in range(5):
            room.sorted[i, at] = room.raw[i, k]
        room.sorted[5, at] = grid.level + room.placed[3, k]
        for i in range(4):
            room.share[i, at] = 0
        room.sorted_point[at] = room.point[k]
    for c in range(cells):
        start[c] = start[c + 1]
    start[cells] = count


@compiled
def _assign(
    image: Image,
    T: Doubles,
    sigma: float,
    odds: float,
    count: int,
    room: Room,
    assigns: bool,
) -> Grid:
    """What the keypoints make of the points that a pose sees; odds: of no clutter, times area."""
    grid = _grid(image, sigma, odds, count)
    _project(image, T, count, room)
    _sort(image, grid, count, room)
    _meet(image, grid, room, assigns)
    return grid


@compiled
def _meet(image: Image, grid: Grid, room: Room, assigns: bool) -> None:
    """gain: of every keypoint, by the points around it; and what share of it each of them has."""
    u, v, ratio, start = room.sorted[3], room.sorted[4], room.ratio, room.start
    mass, right, down, square = room.share[0], room.share[1], room.share[2], room.share[3]
    for m in range(len(image.xy)):
        room.gain[m] = total = _ratios(image, grid, room, m)
        if not assigns:
            continue
        x, y, part = image.xy[m, 0], image.xy[m, 1], np.float32(1) / (np.float32(1) + total)
        left, beyond, top, below = _around(image, grid, m)
        for r in range(top, below):
            first = np.uintp(start[r * grid.columns + left])
            last = np.uintp(start[r * grid.columns + beyond])
            for k in range(first, last):
                share, dx, dy = ratio[k] * part, x - u[k], y - v[k]
                mass[k] += share
                right[k] += share * dx
                down[k] += share * dy
                square[k] += share * (dx * dx + dy * dy)


@compiled
def _around(image: Image, grid: Grid, m: int) -> tuple[int, int, int, int]:
    """The cells that a keypoint meets: columns from and to, rows from and to."""
    column = _cell(image.xy[m, 0], grid.x_min, grid.across, grid.columns)
    row = _cell(image.xy[m, 1], grid.y_min, grid.down, grid.rows)
    left, beyond = max(column - 1, 0), min(column + 2, grid.columns)
    return left, beyond, max(row - 1, 0), min(row + 2, grid.rows)


@compiled
def _ratios(image: Image, grid: Grid, room: Room, m: int) -> np.float32:
    """ratio: likelihood over clutter of a keypoint's pairs with the points around; their sum."""
    u, v, level, point = room.sorted[3], room.sorted[4], room.sorted[5], room.sorted_point
    pairs, ratio, start = image.pairs, room.ratio, room.start
    x, y, own, exponent = image.xy[m, 0], image.xy[m, 1], image.nats[m], np.float32(grid.exponent)
    left, beyond, top, below = _around(image, grid, m)
    total = np.float32(0)
    for r in range(top, below):
        first = np.uintp(start[r * grid.columns + left])
        last = np.uintp(start[r * grid.columns + beyond])
        for k in range(first, last):
            dx, dy = x - u[k], y - v[k]
            ratio[k] = level[k] + own - exponent * (dx * dx + dy * dy)
        if len(pairs):
            for k in range(first, last):
                ratio[k] += pairs[m, point[k]]
        for k in range(first, last):
            ratio[k] = _exp(ratio[k])
            total += ratio[k]
    return total


@compiled
def _exp(x: np.float32) -> np.float32:
    """To seven digits between -40 and 80, and as there beyond; it is vectorised."""
    x = min(max(x, np.float32(-40)), np.float32(80))
    power = np.int32(np.int32(x * np.float32(1.44269504) + np.float32(64.5)) - np.int32(64))
    whole = np.float32(power)
    r = x - whole * np.float32(0.693359375) + whole * np.float32(2.12194440e-4)
    series = np.float32(1.3981999507e-3)
    series = series * r + np.float32(8.3334519073e-3)
    series = series * r + np.float32(4.1665795894e-2)
    series = series * r + np.float32(1.6666665459e-1)
    series = series * r + np.float32(0.5)
    series = series * r * r + r + np.float32(1)
    bits = np.int32(np.int32(power + np.int32(127)) << np.int32(23))
    return series * np.int32(bits).view(np.float32)


@compiled
def _normal_equations(
    image: Image, count: int, room: Room, sigma: float, H: Doubles, g: Doubles, J: Doubles
) -> None:
    for i in range(6):
        g[i] = 0
        for j in range(6):
            H[i, j] = 0
    for k in range(count):
        mass = room.share[0, k] / sigma**2
        if mass < NO_MASS:
            continue
        right, down = room.share[1, k] / sigma**2, room.share[2, k] / sigma**2
        _jacobian(image, room.sorted[:5, k], J)
        for i in range(6):
            g[i] += J[0, i] * right + J[1, i] * down
            for j in range(i + 1):
                H[i, j] += mass * (J[0, i] * J[0, j] + J[1, i] * J[1, j])
    for i in range(6):
        for j in range(i):
            H[j, i] = H[i, j]


@compiled
def _jacobian(image: Image, at: Floats, J: Doubles) -> None:
    """As `Chart.jacobian`, of a point x, y, z that is seen at u, v."""
    x, y, z, u, v = float(at[0]), float(at[1]), float(at[2]), float(at[3]), float(at[4])
    if not image.fisheye:
        z = max(z, image.nearest)
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


@compiled
def _know(held: Held, T: Doubles, H: Doubles, g: Doubles) -> None:
    """Add what is known beforehand of how upright and how high the camera is."""
    error = held.height
    for i in range(3):
        error -= T[i, 3] * held.up[i]
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        up_i, up_j, up_k = _seen(T, held.up, i), _seen(T, held.up, j), _seen(T, held.up, k)
        g[i] += held.level * error * up_i
        g[3 + i] += held.upright * (held.held[j] * up_k - held.held[k] * up_j)
        H[3 + i, 3 + i] += held.upright
        for n, up_n in ((i, up_i), (j, up_j), (k, up_k)):
            H[i, n] += held.level * up_i * up_n
            H[3 + i, 3 + n] -= held.upright * up_i * up_n


@compiled
def _seen(T: Doubles, direction: Doubles, i: int) -> float:
    """Coordinate i of a direction of the map, in the camera."""
    return T[0, i] * direction[0] + T[1, i] * direction[1] + T[2, i] * direction[2]


@compiled
def _move(
    held: Held,
    T: Doubles,
    H: Doubles,
    g: Doubles,
    turn: Doubles,
    longest: tuple[float, float],
) -> None:
    """One damped step, its length bounded; or a turn alone."""
    for i in range(6):
        H[i, i] += DAMPING * H[i, i] + 1 / longest[i // 3] ** 2
        if i < 3 and held.turns_only:
            H[i, i] += FIXED
    _solve(H, g)
    squared = 0.0
    for i in range(6):
        if i < 3 and held.turns_only:
            g[i] = 0
        squared += (g[i] / longest[i // 3]) ** 2
    for i in range(6):
        g[i] /= max(math.sqrt(squared), 1.0)
    _carry(T, g, turn)


@compiled
def _carry(T: Doubles, step: Doubles, turn: Doubles) -> None:
    """T <- T Exp(v, w), step (6,)."""
    _turn(step[3], step[4], step[5], turn)
    for i in range(3):
        x, y, z = T[i, 0], T[i, 1], T[i, 2]
        T[i, 3] += x * step[0] + y * step[1] + z * step[2]
        for j in range(3):
            T[i, j] = x * turn[0, j] + y * turn[1, j] + z * turn[2, j]


@compiled
def _solve(H: Doubles, g: Doubles) -> None:
    """g <- H^-1 g (n,) by Cholesky's factors, which take the place of H (n, n)."""
    n = len(g)
    for j in range(n):
        for k in range(j):
            for i in range(j, n):
                H[i, j] -= H[i, k] * H[j, k]
        pivot = math.sqrt(H[j, j])
        for i in range(j, n):
            H[i, j] /= pivot
    for i in range(n):
        for j in range(i):
            g[i] -= H[i, j] * g[j]
        g[i] /= H[i, i]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            g[i] -= H[j, i] * g[j]
        g[i] /= H[i, i]


@compiled
def _turn(x: float, y: float, z: float, R: Doubles) -> None:
    """Rodrigues' formula, rad -> R (3, 3)."""
    angle = math.sqrt(x * x + y * y + z * z)
    sinc, half = 1 - angle**2 / 6, 0.5 - angle**2 / 24
    if angle > 1e-4:
        sinc, half = math.sin(angle) / angle, 2 * (math.sin(angle / 2) / angle) ** 2
    R[0, 0] = 1 - half * (y * y + z * z)
    R[1, 1] = 1 - half * (z * z + x * x)
    R[2, 2] = 1 - half * (x * x + y * y)
    R[0, 1], R[1, 0] = half * x * y - sinc * z, half * x * y + sinc * z
    R[1, 2], R[2, 1] = half * y * z - sinc * x, half * y * z + sinc * x
    R[2, 0], R[0, 2] = half * z * x - sinc * y, half * z * x + sinc * y
