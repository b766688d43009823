"""The nearest of many points, looked up in a hash of cells instead of a scan over all."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SIDE = 2.5  # of a cell
FEW = 200  # points, which are compared one and all in less time
_DISTANCES_AT_ONCE = 1 << 22


@dataclass(frozen=True, eq=False)
class Cells:
    """Cubes with the points in them and in the cubes around them: all within SIDE and some more.

    point: (A, D), D >= 3; cubes are of the first three coordinates. low: (3,) corner of the grid,
    in sides. shape: (3,) its cells along x, y, z. key: (C,) int64, sorted, of the cells near a
    point. row: (C, K) int64 of points, ascending, the last repeated.
    """

    point: Tensor
    low: Tensor
    shape: Tensor
    key: Tensor
    row: Tensor

    @classmethod
    def of(cls, point: Tensor) -> Cells:
        """Of few points there are no cells."""
        cell = (point[:, :3] / SIDE).floor().long()
        low = cell.amin(dim=0) - 1
        shape = cell.amax(dim=0) + 2 - low
        if len(point) < FEW:
            nothing = low.new_zeros(0)
            return cls(point, low, shape, nothing, nothing.view(0, 1))
        around = torch.cartesian_prod(*[torch.arange(-1, 2, device=cell.device)] * 3)
        keys = _key(cell[:, None] + around - low, shape)
        row = torch.arange(len(cell), device=cell.device)[:, None].expand_as(keys).flatten()
        key, order = keys.flatten().sort(stable=True)
        return cls(point, low, shape, *_by_key(key, row[order]))

    def nearest(self, others: Tensor) -> tuple[Tensor, Tensor]:
        """The row of the point nearest to each of others (P, D), and its squared distance, (P,)."""
        if not len(self.key) or self.point.is_cuda:  # which would wait for those far away
            return self._nearest_of_all(others)
        row, distance = self._nearest_about(others)
        away = (distance > SIDE**2).nonzero()[:, 0]
        row[away], distance[away] = self._nearest_of_all(others[away])
        return row, distance

    def _nearest_of_all(self, others: Tensor) -> tuple[Tensor, Tensor]:
        at_once = max(_DISTANCES_AT_ONCE // len(self.point), 1)
        least = [torch.cdist(some, self.point).min(dim=1) for some in others.split(at_once)]
        distances, rows = zip(*least, strict=True)
        return torch.cat(rows), torch.cat(distances).square()

    def _nearest_about(self, others: Tensor) -> tuple[Tensor, Tensor]:
        """Of the points in the cubes about each; infinitely far away where there are none."""
        cell = (others[:, :3] / SIDE).floor().long() - self.low
        key = _key(cell, self.shape)
        at = torch.searchsorted(self.key, key).clamp_max(len(self.key) - 1)
        is_in_grid = ((cell >= 0) & (cell < self.shape)).all(dim=1)
        about = self.row[at]
        least = (self.point[about] - others[:, None]).square().sum(dim=2).min(dim=1)
        distance = least.values.masked_fill(~is_in_grid | (self.key[at] != key), torch.inf)
        return about.gather(1, least.indices[:, None])[:, 0], distance


def _key(cell: Tensor, shape: Tensor) -> Tensor:
    """One number (...) for each cell (..., 3) of a grid."""
    x, y, z = cell.unbind(-1)
    return (x * shape[1] + y) * shape[2] + z


def _by_key(keys: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
    """Sorted keys (E,) and their rows -> each key once (C,), and its rows (C, K)."""
    key, count = keys.unique_consecutive(return_counts=True)
    first = count.cumsum(0) - count
    column = torch.arange(int(count.max()), device=keys.device)
    entry = first[:, None] + column.minimum(count[:, None] - 1)
    return key, row[entry]
