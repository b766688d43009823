"""Likelihood search without learning: score a frame against many stored virtual views at once.

For each view the log of its clutter-mixed, blurred histogram of predicted points is kept. The log
likelihood of a frame under all views is then one matrix-vector product with its own histogram.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.transform import invert
from bpnp_ros.localizer.compiled.inputs import is_installed, products_with_halves
from bpnp_ros.localizer.measurement import NEAREST
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.prepared import Tensors, prepared

COLUMNS, ROWS = 16, 12
CELLS = COLUMNS * ROWS
VIEW_BYTES = 2 * CELLS + 64
_CHUNK = 4096


@dataclass(frozen=True, eq=False)
class ViewBank:
    """T_map_camera: (V, 4, 4). log_ratio: (V, CELLS) float16, log of likelihood over clutter."""

    T_map_camera: Tensor
    log_ratio: Tensor
    frustum: Frustum

    def best(self, xy: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The views that explain keypoints (M, 2) best: poses (count, 4, 4), scores (count,)."""
        counts = histogram(xy[None], torch.ones_like(xy[None, :, 0]), self.frustum)[0]
        score, view = self._scores(counts).topk(min(count, len(self.log_ratio)))
        return self.T_map_camera[view], score

    def _scores(self, counts: Tensor) -> Tensor:
        """(V,) of a histogram (CELLS,)."""
        is_half = self.log_ratio.dtype == torch.float16
        if is_half and counts.device.type == "cpu" and is_installed():
            return products_with_halves(self.log_ratio, counts)
        return torch.cat([part.float() @ counts for part in self.log_ratio.split(_CHUNK)])


def build_view_bank(
    model: MapModel,
    frustum: Frustum,
    views: int,
    clutter: float,
    seed: int = 0,
    progress: Progress = unheard,
) -> ViewBank:
    """Draw `views` poses from the map's view space and store what each would see.

    What was built for an equal map and camera at an earlier start is taken as it is.
    """
    device = model.view_space.device
    what = (model.points, model.view_space, model.depth, str(device))
    made_of = (*what, frustum, views, clutter, seed)
    tensors = prepared(
        "view_bank", made_of, lambda: _views(model, frustum, views, clutter, seed, progress)
    )
    return ViewBank(tensors["T_map_camera"].to(device), tensors["log_ratio"].to(device), frustum)


def drawn_views(model: MapModel, views: int, seed: int = 0) -> Tensor:
    """T_map_camera (views, 4, 4) that a bank of so many stores."""
    T_map_camera, _ = model.view_space.sample(views, torch.Generator().manual_seed(seed))
    return T_map_camera


def _views(
    model: MapModel, frustum: Frustum, views: int, clutter: float, seed: int, progress: Progress
) -> Tensors:
    T_map_camera = drawn_views(model, views, seed)
    log_ratio = T_map_camera.new_empty(views, CELLS, dtype=torch.float16)
    nearest = NEAREST * model.depth
    blurring = blur(torch.eye(CELLS).to(T_map_camera))
    done = 0
    for rows, points, chance in model.view_space.alike(T_map_camera):
        progress(done / views)
        cells = _seen(T_map_camera[rows], model.points[points], chance, frustum, nearest)
        density = cells @ blurring
        density = density / density.sum(dim=1, keepdim=True).clamp_min(1e-6) * CELLS
        log_ratio[rows] = torch.log(clutter + (1 - clutter) * density).half()
        done += len(rows)
    return {"T_map_camera": T_map_camera, "log_ratio": log_ratio}


def _seen(
    T_map_camera: Tensor, points: Tensor, chance: Tensor, frustum: Frustum, nearest: float
) -> Tensor:
    """Histograms (P, CELLS) of points (K, 3), seen with chances (P or 1, K), from poses (P, 4, 4).

    nearest: metres; nearer points are out of view. One product for all poses, then nothing but the
    points in view: a tenth, as a rule.
    """
    T_camera_map = invert(T_map_camera)[:, :3].flatten(0, 1)
    in_camera = T_camera_map[:, :3] @ points.T + T_camera_map[:, 3:]
    x, y, z = in_camera.view(len(T_map_camera), 3, len(points)).unbind(dim=1)
    in_view = frustum.chart.shows((x, y, z), nearest)
    x, y = frustum.chart.image((x, y, z), nearest)
    in_view &= (x > frustum.x_min) & (x < frustum.x_max)
    in_view &= (y > frustum.y_min) & (y < frustum.y_max)
    pose, point = in_view.nonzero(as_tuple=True)
    weight = chance.expand_as(x)[pose, point]
    xy = torch.stack([x[pose, point], y[pose, point]], dim=1)
    return _shared_out(pose, xy, weight, len(T_map_camera), frustum)


def histogram(xy: Tensor, weight: Tensor, frustum: Frustum) -> Tensor:
    """Weighted points (P, K, 2) shared out among the four nearest cells -> (P, CELLS)."""
    pose, point = (weight > 0).nonzero(as_tuple=True)
    return _shared_out(pose, xy[pose, point], weight[pose, point], len(xy), frustum)


def _shared_out(pose: Tensor, xy: Tensor, weight: Tensor, poses: int, frustum: Frustum) -> Tensor:
    """Points (S, 2) of histograms number `pose` (S,) among their cells -> (poses, CELLS)."""
    width, height = frustum.x_max - frustum.x_min, frustum.y_max - frustum.y_min
    columns = _neighbours((xy[:, 0] - frustum.x_min) / width * COLUMNS - 0.5, COLUMNS)
    rows = _neighbours((xy[:, 1] - frustum.y_min) / height * ROWS - 0.5, ROWS)
    cells = xy.new_zeros(poses * CELLS)
    for row, row_share in rows:
        start, in_row = pose * CELLS + row * COLUMNS, weight * row_share
        for column, column_share in columns:
            cells.index_add_(0, start + column, in_row * column_share)
    return cells.view(poses, CELLS)


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
