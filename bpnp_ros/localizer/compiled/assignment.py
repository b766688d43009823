"""Keypoints and the points in view: who explains whom.

A point meets the keypoints in the bands and strips of the image that it reaches; all others are
together less likely than NEGLIGIBLE times clutter. Log-likelihood ratios are counted in bits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bpnp_ros.backends.numba import compiled
from bpnp_ros.localizer.compiled.arithmetic import exp2, log2
from bpnp_ros.localizer.compiled.given import BITS, BLOCK, Doubles, Floats, Image, Noise
from bpnp_ros.localizer.compiled.view import View, project

NEGLIGIBLE = 1e-4
NO_MASS = 1e-7  # keypoints


class Spread(NamedTuple):
    """Bits of a pair: level - exponent * squared distance. reach: the distance that matters."""

    level: np.float32
    exponent: np.float32
    reach: float


@compiled
def spread_of(image: Image, sigma: float, clutter: float) -> Spread:
    odds = (1 - clutter) / clutter * image.area
    level = BITS * math.log(odds / (2 * math.pi * sigma**2))
    above = max(level + image.most - BITS * math.log(NEGLIGIBLE), BITS)
    exponent = 0.5 * BITS / sigma**2
    return Spread(np.float32(level), np.float32(exponent), math.sqrt(above / exponent))


@compiled
def assign(image: Image, T: Doubles, sigma: float, clutter: float, count: int, view: View) -> None:
    """What the keypoints make of the `count` points that a pose (4, 4) has in view."""
    spread = spread_of(image, sigma, clutter)
    project(image, T, count, view)
    add_up(image, spread, count, view)
    share_out(image, spread, count, view)


@compiled
def add_up(image: Image, spread: Spread, count: int, view: View) -> None:
    """gain: of every keypoint, by all points. heard: of every point, by all keypoints."""
    _reach(image, spread.reach, count, view)
    u, v, told, before = image.u, image.v, said(image, view), image.before
    gain, near, at, exponent = view.gain, view.near, view.image, spread.exponent
    gain[:] = 0
    for k in range(count):
        x, y, level = at[0, k], at[1, k], spread.level + view.level[k]
        row, heard = row_said(image, view, k), np.float32(0)
        for band in range(near[0, k], near[1, k]):
            first, last = blocks(before[band, near[2, k]], before[band, near[3, k]])
            for i in range(first, last):
                dx, dy = u[i] - x, v[i] - y
                ratio = exp2(level + told[row, i] - exponent * (dx * dx + dy * dy))
                gain[i] += ratio
                heard += ratio
        view.heard[k] = heard
    view.part[:] = np.float32(1) / (np.float32(1) + gain)


@compiled
def share_out(image: Image, spread: Spread, count: int, view: View) -> None:
    """share: of the keypoints, of every point."""
    u, v, told, before = image.u, image.v, said(image, view), image.before
    share, part, near, at, exponent = view.share, view.part, view.near, view.image, spread.exponent
    for k in range(count):
        x, y, level = at[0, k], at[1, k], spread.level + view.level[k]
        mass = right = down = square = np.float32(0)
        if view.heard[k] < NO_MASS:
            share[:, k] = 0
            continue
        row = row_said(image, view, k)
        for band in range(near[0, k], near[1, k]):
            first, last = blocks(before[band, near[2, k]], before[band, near[3, k]])
            for i in range(first, last):
                dx, dy = u[i] - x, v[i] - y
                squared = dx * dx + dy * dy
                own = part[i] * exp2(level + told[row, i] - exponent * squared)
                mass += own
                right += own * dx
                down += own * dy
                square += own * squared
        share[0, k], share[1, k], share[2, k], share[3, k] = mass, right, down, square


@compiled
def said(image: Image, view: View) -> Floats:
    """(1 or N, S): bits that cues say of pairs; of one point at a time where it has a direction."""
    return view.told if len(image.directions) else image.told


@compiled
def row_said(image: Image, view: View, k: int) -> np.uintp:
    """Of `said`, for a point."""
    row = np.uintp(view.point[k] if len(image.told) > 1 else 0)
    if len(image.directions) == 0:
        return row
    _turn(image, view, k, row)
    return np.uintp(0)


@compiled
def _turn(image: Image, view: View, k: int, row: np.uintp) -> None:
    """told: of a point's pairs with the keypoints that it may meet, by their orientations too."""
    shown, near, before = image.shown, view.near, image.before
    a, b, c = view.aim[0, k], view.aim[1, k], view.aim[2, k]
    aside, kept = np.float32(image.aside), np.float32(1 - image.aside)
    for band in range(near[0, k], near[1, k]):
        first, last = blocks(before[band, near[2, k]], before[band, near[3, k]])
        for i in range(first, last):
            alike = exp2(a * shown[0, i] + b * shown[1, i] + c * shown[2, i])
            view.told[0, i] = image.told[row, i] + log2(aside + kept * alike)


@compiled
def _reach(image: Image, reach: float, count: int, view: View) -> None:
    """near: bands and strips of keypoints that may belong to a point."""
    bands, strips = image.before.shape[0], image.before.shape[1] - 1
    (left, _), (top, _), (across, down), near = image.x, image.y, image.parts, view.near
    for k in range(count):
        x, y = view.image[0, k] - left, view.image[1, k] - top
        near[0, k] = _part((y - reach) * down, bands)
        near[1, k] = _part((y + reach) * down, bands) + 1
        near[2, k] = _part((x - reach) * across, strips)
        near[3, k] = _part((x + reach) * across, strips) + 1


@compiled
def _part(position: float, parts: int) -> int:
    return int(min(max(position, 0.0), parts - 1.0))


@compiled
def blocks(first: int, last: int) -> tuple[np.uintp, np.uintp]:
    """Slots from and to, in whole blocks."""
    return np.uintp(first), np.uintp(first + (last - first + BLOCK - 1) // BLOCK * BLOCK)


@compiled
def nats_of(image: Image, view: View, shares: Doubles) -> tuple[float, float]:
    """Log-likelihood ratio against clutter with the share of clutter (S,) that suits best; that."""
    gain, odds = gains(image, view), np.float32(image.clutter / (1 - image.clutter))
    best, most = 1.0, 0.0
    for share in shares:
        clutter, bits = np.float32(share), 0.0
        found = (np.float32(1) - clutter) * odds
        for m in range(len(gain)):
            bits += float(log2(clutter + found * gain[m]))
        if bits > most:
            best, most = share, bits
    return most / BITS, best


@compiled
def gains(image: Image, view: View) -> Floats:
    """(M,) of the frame's keypoints in their order."""
    gain = np.empty(len(image.slot), np.float32)
    for m in range(len(gain)):
        gain[m] = view.gain[image.slot[m]]
    return gain


@compiled
def own_noise(noise: Noise, keypoints: int, count: int, view: View) -> tuple[float, float]:
    """What the shares leave of the keypoints' errors, and of clutter."""
    pairs, errors = 0.0, 2 * noise.pairs * noise.sigma**2
    for k in range(count):
        pairs += view.share[0, k]
        errors += view.share[3, k]
    free = max(2 * pairs - noise.fitted, 0.0) + 2 * noise.pairs
    least, most = noise.factors[0] * noise.sigma, noise.factors[1] * noise.sigma
    clutter = min(max(1 - pairs / keypoints, noise.clutter[0]), noise.clutter[1])
    return min(max(math.sqrt(errors / free), least), most), clutter
