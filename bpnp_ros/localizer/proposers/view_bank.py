"""Likelihood search without learning: score a frame against many stored virtual views at once.

For each view the log of its clutter-mixed, blurred histogram of predicted points is kept. The log
likelihood of a frame under all views is then one matrix-vector product with its own histogram.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.localizer.measurement import project
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.map_model.map_model import MapModel

COLUMNS, ROWS = 16, 12
CELLS = COLUMNS * ROWS
_CHUNK = 2048


@dataclass(frozen=True, eq=False)
class ViewBank:
    """T_map_camera: (V, 4, 4). log_ratio: (V, CELLS), log of the cell's likelihood over clutter."""

    T_map_camera: Tensor
    log_ratio: Tensor
    frustum: Frustum

    def best(self, xy: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The views that explain keypoints (M, 2) best: poses (count, 4, 4), scores (count,)."""
        counts = histogram(xy[None], torch.ones_like(xy[None, :, 0]), self.frustum)[0]
        score, view = (self.log_ratio @ counts).topk(min(count, len(self.log_ratio)))
        return self.T_map_camera[view], score


def build_view_bank(
    model: MapModel,
    frustum: Frustum,
    views: int,
    clutter: float,
    seed: int = 0,
    progress: Progress = unheard,
) -> ViewBank:
    """Draw `views` poses from the map's view space and store what each would see."""
    generator = torch.Generator().manual_seed(seed)
    T_map_camera, _ = model.view_space.sample(views, generator)
    parts: list[Tensor] = []
    for poses in T_map_camera.split(_CHUNK):
        progress(len(parts) * _CHUNK / views)
        parts.append(_log_ratio(model, poses, frustum, clutter))
    return ViewBank(T_map_camera, torch.cat(parts), frustum)


def _log_ratio(model: MapModel, poses: Tensor, frustum: Frustum, clutter: float) -> Tensor:
    prediction = project(model, poses, frustum)
    density = blur(histogram(prediction.xy, prediction.weight, frustum))
    density = density / density.sum(dim=1, keepdim=True).clamp_min(1e-6) * CELLS
    return torch.log(clutter + (1 - clutter) * density)


def histogram(xy: Tensor, weight: Tensor, frustum: Frustum) -> Tensor:
    """Weighted points (P, K, 2) shared out among the four nearest cells -> (P, CELLS)."""
    width, height = frustum.x_max - frustum.x_min, frustum.y_max - frustum.y_min
    column = (xy[..., 0] - frustum.x_min) / width * COLUMNS - 0.5
    row = (xy[..., 1] - frustum.y_min) / height * ROWS - 0.5
    cells = torch.zeros(len(xy), CELLS, dtype=xy.dtype, device=xy.device)
    for row_cell, row_share in _neighbours(row, ROWS):
        for column_cell, column_share in _neighbours(column, COLUMNS):
            share = weight * row_share * column_share
            cells.scatter_add_(1, row_cell * COLUMNS + column_cell, share)
    return cells


def _neighbours(position: Tensor, cells: int) -> list[tuple[Tensor, Tensor]]:
    """The two cells next to a position in units of cells, with their shares."""
    below = position.floor()
    share = position - below
    return [
        (cell.long().clamp(0, cells - 1), part)
        for cell, part in ((below, 1 - share), (below + 1, share))
    ]


def blur(cells: Tensor) -> Tensor:
    """Binomial blur by about one cell, mass kept inside. (P, CELLS) -> (P, CELLS)."""
    image = cells.view(-1, 1, ROWS, COLUMNS)
    kernel = image.new_tensor([1, 4, 6, 4, 1]) / 16
    padded = torch.nn.functional.pad(image, (2, 2, 2, 2), mode="replicate")
    image = torch.nn.functional.conv2d(padded, kernel.view(1, 1, 1, 5))
    image = torch.nn.functional.conv2d(image, kernel.view(1, 1, 5, 1))
    return image.flatten(1)
