"""A frame's keypoints laid out for the compiled loops."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.chart import EQUIDISTANT
from bpnp_ros.localizer.compiled.given import BITS, BLOCK, Floats, Image, Rows
from bpnp_ros.localizer.cues.orientation import ASIDE, Aims
from bpnp_ros.localizer.frame import Frame

STRIPS, MOST_BANDS = 64, 16
A_BAND = 96  # keypoints
FAR_AWAY = 1e3  # on the plane of the chart


def image_of(frame: Frame, nearest: float) -> Image:
    """The layout does not depend on a frame's noise."""
    cues = frame.crowding, frame.pairs, frame.aims
    return _laid_out(frame.xy, frame.frustum, *cues, nearest)._replace(clutter=frame.clutter)


@lru_cache(maxsize=4)
def _laid_out(
    keypoints: Tensor,
    view: Frustum,
    crowding: Tensor | None,
    pairs: Tensor | None,
    aims: Aims | None,
    nearest: float,
) -> Image:
    """Of keypoints (M, 2) that are asked for again and again."""
    xy = keypoints.float().numpy()
    x, y = (view.x_min, view.x_max), (view.y_min, view.y_max)
    bands = min(max(len(xy) // A_BAND, 1), MOST_BANDS)
    strip, band = _part(xy[:, 0], x, STRIPS), _part(xy[:, 1], y, bands)
    slot, before = _slots(xy[:, 0], strip, band, bands)
    u, v = np.full((2, len(xy) + BLOCK * bands), FAR_AWAY, np.float32)
    u[slot], v[slot] = xy.T
    told, most = _told(crowding, pairs, slot, len(u))
    shown, directions, by_aims = _turned(aims, slot, len(u))
    parts = STRIPS / (x[1] - x[0]), bands / (y[1] - y[0])
    seen = 1.0, x, y, view.area, parts, nearest, view.chart == EQUIDISTANT
    return Image(u, v, slot, before, told, shown, directions, ASIDE, most + by_aims, *seen)


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


def _told(
    crowding: Tensor | None, pairs: Tensor | None, slot: Rows, slots: int
) -> tuple[Floats, float]:
    """What cues and crowding say of pairs, bits (1 or N, S), and the most of it."""
    nats = torch.zeros(len(slot), 1) if pairs is None else pairs.float()
    if crowding is not None:
        nats = nats - crowding.float().log()[:, None]
    bits = torch.zeros(slots, nats.shape[1])
    bits[torch.from_numpy(slot)] = nats * BITS
    return bits.T.contiguous().numpy(), max(float(bits.max()), 0.0)


def _turned(aims: Aims | None, slot: Rows, slots: int) -> tuple[Floats, Floats, float]:
    """`shown` and `directions` of an Image, and the most that they say of a pair, bits."""
    if aims is None:
        return np.zeros((3, 0), np.float32), np.zeros((0, 3), np.float32), 0.0
    shown = np.zeros((3, slots), np.float32)
    shown[:, slot] = BITS * aims.shown.numpy().T
    return shown, aims.directions.numpy(), BITS * aims.most
