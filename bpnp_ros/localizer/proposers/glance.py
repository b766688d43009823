"""A first look at very many poses: how many keypoints have a point beside them."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.localizer.compiled.given import BITS
from bpnp_ros.localizer.compiled.inputs import compiled_glance, serves
from bpnp_ros.localizer.descent.poses import evidence
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.map_model.map_model import MapModel

BESIDE = 2.5  # standard deviations between a keypoint and its point
MOST_CELLS = 512  # across an image
MOST_KEYPOINTS, FEW = 60, 6


def glance(model: MapModel, T_map_camera: Tensor, frame: Frame, sigma: float) -> Tensor:
    """Bits (P,) that rank poses (P, 4, 4) of an open map much as their evidence does, for a
    fraction of the price; cues say nothing. sigma: of a keypoint, on the chart."""
    if not serves(model):
        return evidence(model, T_map_camera, frame.at_most(FEW), sigma)
    frame, f = frame.at_most(MOST_KEYPOINTS), frame.frustum
    odds = (1 - frame.clutter) / frame.clutter * f.area
    level = BITS * (math.log(odds / (2 * math.pi * sigma**2)) - 1)
    return compiled_glance(model, T_map_camera, frame, _close(frame, sigma), level)


@lru_cache(maxsize=4)
def _close(frame: Frame, sigma: float) -> NDArray[np.int64]:
    """(rows, columns) of cells about a standard deviation wide: a bit for each keypoint nearby."""
    f = frame.frustum
    width, height = f.x_max - f.x_min, f.y_max - f.y_min
    cell = max(sigma, width / MOST_CELLS, height / MOST_CELLS)
    columns, rows = max(round(width / cell), 1), max(round(height / cell), 1)
    x = f.x_min + (torch.arange(columns) + 0.5) * (width / columns)
    y = f.y_min + (torch.arange(rows) + 0.5) * (height / rows)
    close = np.zeros((rows, columns), np.int64)
    for bit, (u, v) in enumerate(frame.xy):
        near = (x - u).square() + (y[:, None] - v).square() < (BESIDE * cell) ** 2
        close |= near.numpy().astype(np.int64) << bit
    return close
