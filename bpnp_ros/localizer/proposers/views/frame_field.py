"""A frame seen from the map's side: how well each point would be explained at each place in it.

Made once a frame, it ranks thousands of poses for the price of looking their points up. Where the
measurement model asks which points explain a keypoint, this asks which keypoints explain a point;
all keypoints count, with their cues. Points are taken for independent, so it ranks, and no more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.chart import EQUIDISTANT
from bpnp_ros.geometry.transform import invert, transform_points
from bpnp_ros.localizer.compiled.given import Grid
from bpnp_ros.localizer.compiled.inputs import compiled_field, serves
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import NEAREST
from bpnp_ros.map_model.map_model import MapModel

FINEST = 48, 36  # columns and rows
WIDTH = 0.8  # standard deviation of a place, in columns of the finest grid
MOST_ENTRIES = 1 << 24
MOST_POINTS = 512  # the likeliest from a pose
SUREST = 0.95  # that a point is detected
_CHUNK = 256


@dataclass(frozen=True, eq=False)
class FrameField:
    """gain: (N, rows * columns) density at each cell of the keypoints that suit a point, over that
    of clutter; (1, ...) where no cue tells points apart."""

    model: MapModel
    gain: Tensor
    columns: int
    rows: int
    frustum: Frustum

    @classmethod
    def of(cls, model: MapModel, frame: Frame) -> FrameField:
        """The grid is coarser where a map has many points with cues."""
        columns, rows = FINEST
        points = 1 if frame.pairs is None else len(model.points)
        while points * columns * rows > MOST_ENTRIES and columns % 2 == rows % 2 == 0:
            columns, rows = columns // 2, rows // 2
        spread = _spread(frame.with_crowding(), columns, rows)
        if frame.pairs is None:
            gain = spread.sum(dim=0, keepdim=True)
        else:
            gain = frame.pairs.exp().T @ spread
        return cls(model, gain, columns, rows, frame.frustum)

    def nats(self, T_map_camera: Tensor) -> Tensor:
        """What poses (V, 4, 4) explain, (V,)."""
        if serves(self.model):
            return compiled_field(self.model, T_map_camera, self._grid())
        return self.nats_in_tensors(T_map_camera)

    def nats_in_tensors(self, T_map_camera: Tensor) -> Tensor:
        """As `nats`."""
        return torch.cat([self._nats_of_few(some) for some in T_map_camera.split(_CHUNK)])

    def _grid(self) -> Grid:
        f, nearest = self.frustum, NEAREST * self.model.depth
        x, y, fisheye = (f.x_min, f.x_max), (f.y_min, f.y_max), f.chart == EQUIDISTANT
        gain, size = self.gain.contiguous().numpy(), (self.columns, self.rows)
        return Grid(gain, *size, x, y, nearest, fisheye, SUREST, MOST_POINTS)

    def _nats_of_few(self, T_map_camera: Tensor) -> Tensor:
        point, chance = self.model.view_space.seen_from(T_map_camera)
        if point.shape[1] > MOST_POINTS:
            chance, kept = chance.topk(MOST_POINTS, dim=1)
            point = point.gather(1, kept)
        in_camera = transform_points(invert(T_map_camera), self.model.points[point])
        f, nearest = self.frustum, NEAREST * self.model.depth
        in_view = f.chart.shows(in_camera.unbind(-1), nearest) & (chance > 0)
        x, y = f.chart.image(in_camera.unbind(-1), nearest)
        column = ((x - f.x_min) / (f.x_max - f.x_min) * self.columns).floor()
        row = ((y - f.y_min) / (f.y_max - f.y_min) * self.rows).floor()
        in_view &= (column >= 0) & (column < self.columns) & (row >= 0) & (row < self.rows)
        pose, at = in_view.nonzero(as_tuple=True)
        cell = (row[pose, at] * self.columns + column[pose, at]).long()
        gain = self.gain[point[pose, at] if len(self.gain) > 1 else 0, cell]
        nats = torch.log1p(chance[pose, at].clamp(max=SUREST) * (gain - 1))
        return torch.zeros_like(T_map_camera[:, 0, 0]).index_add_(0, pose, nats)


def _spread(frame: Frame, columns: int, rows: int) -> Tensor:
    """(M, rows * columns): the density of each keypoint over that of clutter about it."""
    f = frame.frustum
    width = WIDTH * (f.x_max - f.x_min) / FINEST[0]
    x, y = _middles(f.x_min, f.x_max, columns), _middles(f.y_min, f.y_max, rows)
    across = torch.exp(-0.5 * ((frame.xy[:, :1] - x.to(frame.xy)) / width).square())
    down = torch.exp(-0.5 * ((frame.xy[:, 1:] - y.to(frame.xy)) / width).square())
    if frame.crowding is not None:
        down = down / frame.crowding[:, None]
    peak = f.area / len(frame.xy) / (2 * math.pi * width**2)
    return peak * (down[:, :, None] * across[:, None]).flatten(1)


def _middles(low: float, high: float, cells: int) -> Tensor:
    return low + (torch.arange(cells) + 0.5) * ((high - low) / cells)
