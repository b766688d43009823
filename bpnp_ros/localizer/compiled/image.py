"""A frame's keypoints laid out for the compiled loops."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.geometry.chart import EQUIDISTANT
from bpnp_ros.localizer.compiled.given import BITS, BLOCK, Floats, Image, Rows
from bpnp_ros.localizer.cues.orientation import ASIDE
from bpnp_ros.localizer.frame import Frame

STRIPS, MOST_BANDS = 64, 16
A_BAND = 96  # keypoints
FAR_AWAY = 1e3  # on the plane of the chart


@lru_cache(maxsize=4)
def image_of(frame: Frame, nearest: float) -> Image:
    """Of a frame that is asked for again and again."""
    view, xy = frame.frustum, frame.xy.float().numpy()
    x, y = (view.x_min, view.x_max), (view.y_min, view.y_max)
    bands = min(max(len(xy) // A_BAND, 1), MOST_BANDS)
    strip, band = _part(xy[:, 0], x, STRIPS), _part(xy[:, 1], y, bands)
    slot, before = _slots(xy[:, 0], strip, band, bands)
    u, v = np.full((2, len(xy) + BLOCK * bands), FAR_AWAY, np.float32)
    u[slot], v[slot] = xy.T
    told, most = _told(frame, slot, len(u))
    shown, directions, aims = _turned(frame, slot, len(u))
    parts = STRIPS / (x[1] - x[0]), bands / (y[1] - y[0])
    seen = frame.clutter, x, y, view.area, parts, nearest, view.chart == EQUIDISTANT
    return Image(u, v, slot, before, told, shown, directions, ASIDE, most + aims, *seen)


def _part(position: Floats, extent: tuple[float, float], parts: int) -> Rows:
    """Which of so many equal parts of an image positions (M,) lie in."""
    share = (position - extent[0]) / (extent[1] - extent[0])
    return np.clip(parts * share, 0, parts - 1).astype(np.int64)


def _slots(position: Floats, strip: Rows, band: Rows, bands: int) -> tuple[Rows, Rows]:
    """`slot` and `before` of an Image: BLOCK slots behind each band stay empty."""
    order, slot = np.lexsort((position, band)), np.empty(len(band), np.int64)
    slot[order] = np.arange(len(band)) + BLOCK * band[order]
    counts = np.bincount(band * STRIPS + strip, minlength=bands * STRIPS)
    before = np.concatenate([[0], counts.cumsum()])
    edges = np.arange(bands)[:, None] * STRIPS + np.arange(STRIPS + 1)
    return slot, before[edges] + BLOCK * np.arange(bands)[:, None]


def _told(frame: Frame, slot: Rows, slots: int) -> tuple[NDArray[np.float32], float]:
    """What a frame's cues and crowding say of pairs, bits (1 or N, S), and the most of it."""
    points = 1 if frame.pairs is None else frame.pairs.shape[1]
    nats = frame.xy.new_zeros(slots, points, dtype=torch.float32)
    of_keypoint = frame.xy.new_zeros(len(slot), points) if frame.pairs is None else frame.pairs
    if frame.crowding is not None:
        of_keypoint = of_keypoint - frame.crowding.float().log()[:, None]
    nats[torch.from_numpy(slot)] = of_keypoint.float() * BITS
    return nats.T.contiguous().numpy(), max(float(nats.max()), 0.0)


def _turned(frame: Frame, slot: Rows, slots: int) -> tuple[Floats, Floats, float]:
    """`shown` and `directions` of an Image, and the most that they say of a pair, bits."""
    if frame.aims is None:
        return np.zeros((3, 0), np.float32), np.zeros((0, 3), np.float32), 0.0
    shown = np.zeros((3, slots), np.float32)
    shown[:, slot] = BITS * frame.aims.shown.numpy().T
    return shown, frame.aims.directions.numpy(), BITS * frame.aims.most
