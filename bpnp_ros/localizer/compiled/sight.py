"""All that one pose shows of a frame, as `evidence/sight.py` says in tensors."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bpnp_ros.backends.numba import compiled
from bpnp_ros.localizer.compiled.arithmetic import exp2
from bpnp_ros.localizer.compiled.assignment import (
    NO_MASS,
    Spread,
    assign,
    blocks,
    gains,
    nats_of,
    row_said,
    said,
    spread_of,
)
from bpnp_ros.localizer.compiled.given import Doubles, Floats, Image, Limits, Rows, Space
from bpnp_ros.localizer.compiled.view import View, jacobian, look, room_for


class Likeliest(NamedTuple):
    """point: (S,) of a keypoint, -1 for none. ratio: (S,) how likely it is, over clutter. slot:
    (K,) of a point's likeliest keypoint."""

    point: Rows
    ratio: Floats
    slot: Rows


@compiled
def sight(
    space: Space, image: Image, T: Doubles, sigma: float, shares: Doubles, limits: Limits
) -> tuple[Doubles, Doubles, float, tuple[Rows, Rows, Doubles], Doubles]:
    """What a pose (4, 4) shows of a frame: the fields of `Sight`, see `evidence/sight.py`."""
    view, H, g = room_for(space, image), np.zeros((8, 8)), np.zeros(8)
    count = look(space, image, T, space.seen.shape[1], view)
    assign(image, T, sigma, image.clutter, count, view)
    hits = 0.0
    for k in range(count):
        hits += min(view.share[0, k], np.float32(1))
    likeliest = _observe(image, count, view, sigma, limits, H, g)
    pairs = _pairs(image, view, limits.sigmas * sigma, likeliest)
    nats = _keypoint_nats(image, view, shares)
    return H, g, min(hits / max(view.total[0], 1e-6), 1.0), pairs, nats


@compiled
def _observe(
    image: Image, count: int, view: View, sigma: float, limits: Limits, H: Doubles, g: Doubles
) -> Likeliest:
    """H, g: as `sight.observed`; and which point explains which keypoint best."""
    S, spread = len(image.u), spread_of(image, sigma, image.clutter)
    likeliest = Likeliest(np.full(S, -1), np.zeros(S, np.float32), np.full(count, -1))
    J, own, ratio = np.empty((2, 8)), np.zeros((S, 8)), np.empty(S, np.float32)
    near, before = view.near, image.before
    for k in range(count):
        if view.heard[k] < NO_MASS:
            continue
        most = np.float32(0)
        _jacobian(image, view, k, J)
        row = row_said(image, view, k)
        for band in range(near[0, k], near[1, k]):
            first, last = blocks(before[band, near[2, k]], before[band, near[3, k]])
            _ratios(image, spread, view, k, row, first, last, ratio)
            for i in range(first, last):
                if ratio[i] > most:
                    most, likeliest.slot[k] = ratio[i], np.int64(i)
                if ratio[i] > likeliest.ratio[i]:
                    likeliest.ratio[i], likeliest.point[i] = ratio[i], k
                if ratio[i] * view.part[i] > limits.share:
                    _add_pair(image, view, k, i, ratio[i] * view.part[i], sigma, J, own, H, g)
    for i in range(8):
        for j in range(8):
            H[i, j] = H[max(i, j), min(i, j)] + (own[:, i] * own[:, j]).sum()
    return likeliest


@compiled
def _ratios(
    image: Image,
    spread: Spread,
    view: View,
    k: int,
    row: np.uintp,
    first: np.uintp,
    last: np.uintp,
    ratio: Floats,
) -> None:
    """Likelihood over clutter of a point's pairs with the keypoints of some slots."""
    x, y, level = view.image[0, k], view.image[1, k], spread.level + view.level[k]
    u, v, told = image.u, image.v, said(image, view)
    for i in range(first, last):
        dx, dy = u[i] - x, v[i] - y
        ratio[i] = exp2(level + told[row, i] - spread.exponent * (dx * dx + dy * dy))


@compiled
def _jacobian(image: Image, view: View, k: int, J: Doubles) -> None:
    """How pose, zoom and distortion move a point, (2, 8)."""
    jacobian(image, view, k, J)
    u, v = float(view.image[0, k]), float(view.image[1, k])
    square = u * u + v * v
    J[0, 6], J[1, 6], J[0, 7], J[1, 7] = u, v, square * u, square * v


@compiled
def _add_pair(
    image: Image,
    view: View,
    k: int,
    slot: int,
    share: float,
    sigma: float,
    J: Doubles,
    own: Doubles,
    H: Doubles,
    g: Doubles,
) -> None:
    """What a keypoint says of pose and lens, by its share in a point; of H the lower half."""
    dx, dy = float(image.u[slot]) - view.image[0, k], float(image.v[slot]) - view.image[1, k]
    pull, precision = np.empty(8), 1 / sigma**2
    for i in range(8):
        pull[i] = (J[0, i] * dx + J[1, i] * dy) * precision
        own[slot, i] += share * pull[i]
        g[i] += share * pull[i]
        for j in range(i + 1):
            complete = (J[0, i] * J[0, j] + J[1, i] * J[1, j]) * precision
            H[i, j] += share * (complete - pull[i] * pull[j])


@compiled
def _pairs(
    image: Image, view: View, furthest: float, likeliest: Likeliest
) -> tuple[Rows, Rows, Doubles]:
    """Keypoints, points and errors (K,) of pairs that are each other's likeliest, and near."""
    M, kept = len(image.slot), 0
    keypoint, point, error = np.empty(M, np.int64), np.empty(M, np.int64), np.empty(M)
    for m in range(M):
        slot = image.slot[m]
        k = likeliest.point[slot]
        if k < 0 or likeliest.slot[k] != slot:
            continue
        dx, dy = image.u[slot] - view.image[0, k], image.v[slot] - view.image[1, k]
        error[kept] = math.hypot(dx, dy)
        if error[kept] < furthest:
            keypoint[kept], point[kept] = m, view.point[k]
            kept += 1
    return keypoint[:kept], point[:kept], error[:kept]


@compiled
def _keypoint_nats(image: Image, view: View, shares: Doubles) -> Doubles:
    """(M,) with the share of clutter that suits all of them best."""
    clutter = nats_of(image, view, shares)[1]
    odds = image.clutter / (1 - image.clutter)
    return np.log(clutter + (1 - clutter) * odds * gains(image, view))
