"""Map, frame and knowledge beforehand, as the compiled loops take them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Rows = NDArray[np.int64]

BLOCK = 8  # slots that a processor takes at once
BITS = 1 / math.log(2)  # in a nat


class Lookup(NamedTuple):
    """Which places are near a position: see `Cells`. side: of a cell."""

    side: float
    low: Rows
    shape: Rows
    key: Rows
    row: Rows


class Space(NamedTuple):
    """A map of N points and what is seen from A places: see `ViewSpace` and `OpenSpace`.

    points: (N, 3). anchors: (3, A) in reaches. axes: (3, A) optical axes, or (3, 0) where any will
    do. reach: (3,). tilt: radians. seen, chance: (A, K), the likeliest first. sight: metres.
    rows: (A,) 0 to A - 1.
    """

    points: Floats
    anchors: Floats
    axes: Floats
    reach: Doubles
    tilt: float
    seen: Rows
    chance: Floats
    sight: float
    cells: Lookup
    rows: Rows


class Held(NamedTuple):
    """What is known of a pose beforehand, and what holds a step back.

    up: (3,) in the map; held: (3,) the same in a camera that is held as it should be. upright,
    level: information on the tilt, 1/rad^2, and the height, 1/m^2; 0 for none. height: metres.
    longest: step, metres and radians. damping: relative. fixed: information that lets nothing move.
    """

    turns_only: bool
    up: Doubles
    held: Doubles
    upright: float
    level: float
    height: float
    longest: tuple[float, float]
    damping: float
    fixed: float


class Image(NamedTuple):
    """M keypoints in S slots: band by band from top to bottom, in each of these from left to right.

    u, v: (S,) on the plane of the chart; behind each band come empty slots, which are far away.
    slot: (M,) of each keypoint. before: (bands, strips + 1) the first slot right of a strip's left
    edge. told: (1, S), or (N, S) where cues tell points apart: bits added to the log-likelihood
    ratio of a pair. shown: (3, S), directions: (N, 3) of `Aims`, or (3, 0) and (0, 3); aside: its
    share. most: the largest of all these. clutter: share of it. x, y: from, to, of the rectangle
    that the keypoints lie in. area: of that. parts: strips and bands for each unit of it.
    """

    u: Floats
    v: Floats
    slot: Rows
    before: Rows
    told: Floats
    shown: Floats
    directions: Floats
    aside: float
    most: float
    clutter: float
    x: tuple[float, float]
    y: tuple[float, float]
    area: float
    parts: tuple[float, float]
    nearest: float
    fisheye: bool


class Grid(NamedTuple):
    """gain: (1 or N, rows * columns) of a `FrameField`. x, y: from, to, of the rectangle that the
    cells share. nearest: metres. surest: that a point is detected. most: points of a pose."""

    gain: Floats
    columns: int
    rows: int
    x: tuple[float, float]
    y: tuple[float, float]
    nearest: float
    fisheye: bool
    surest: float
    most: int


class Noise(NamedTuple):
    """How a frame's noise is found: see `own_noise.py`, which has the numbers and what they mean.

    sigma: what is believed beforehand, as if seen in so many `pairs` more.
    """

    sigma: float
    pairs: float
    fitted: float
    factors: tuple[float, float]
    clutter: tuple[float, float]
    rounds: int
    settled: float


class Limits(NamedTuple):
    """share: of a keypoint, below which a pair says nothing. sigmas: of an inlier."""

    share: float
    sigmas: float
