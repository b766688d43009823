"""Find out where a camera can be in a map and what it would see from there.

Places are drawn from the free volume: inside the map's bounds, at the heights a camera is carried
at, clear of the points, and seeing enough of them. Or, where a path was recorded, from around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.errors import MapError
from bpnp_ros.map_model.view_space import ViewSpace, pack_pairs
from bpnp_ros.point_map.point_map import PointMap

Positions = NDArray[np.float32]
SeenFrom = Callable[[Positions], NDArray[np.bool_]]
"""Positions (P, 3) in the recentred map -> which points are seen from each, (P, N)."""

FEW_PLACES = 16
_BATCH = 128
FLATTEST = 0.2  # a cell's height, relative to its width
EXACT = 0.1  # of a cell: how far around a sample just that is seen which it saw


@dataclass(frozen=True)
class ExplorationConfig:
    """Metres and radians. Heights are above the floor, the lowest points of the map.

    A place stands for a cell that is `cell` wide and at most `layer` high.
    """

    camera_height_min: float = 1.2
    camera_height_max: float = 1.8
    tilt: float = 0.25
    clearance: float = 0.3
    range_max: float = 15.0
    least_seen: int = 15
    cell: float = 0.5
    layer: float = math.inf
    path_margin: float = 0.5
    most_tries: int = 40


@dataclass(frozen=True, eq=False)
class ViewSamples:
    """What is seen from where: from sample `sample[i]` the point `point[i]`, sorted by sample.

    positions: (S, 3) float32 in the recentred map. sample, point: (V,) int64.
    """

    positions: Positions
    sample: NDArray[np.int64]
    point: NDArray[np.int64]


def explore(
    point_map: PointMap,
    seen_from: SeenFrom,
    count: int,
    config: ExplorationConfig,
    seed: int = 0,
    path: NDArray[np.floating] | None = None,
) -> ViewSamples:
    """Draw `count` free places, evenly (Sobol 1967), and find what each sees.

    path: (F, 3) in the recentred map; where given, places lie within `path_margin` of it.
    Raises MapError where the map has no place for a camera of these heights, or on this path.
    """
    even = torch.quasirandom.SobolEngine(4, scramble=True, seed=seed)
    low, high = _bounds(point_map, config) if path is None else _around(path, config)
    positions, sample, point, found = [], [], [], 0
    for _ in range(config.most_tries * (count // _BATCH + 4)):
        draw = even.draw(_BATCH, dtype=torch.float64).numpy()
        box = (draw[:, 3] * len(low)).astype(int)
        drawn = (low[box] + draw[:, :3] * (high[box] - low[box])).astype(np.float32)
        seen, free = _look_around(point_map, seen_from, drawn, config)
        positions.append(drawn[free])
        row, column = np.nonzero(seen[free])
        sample.append(row + found)
        point.append(column)
        found += int(free.sum())
        if found >= count:
            break
    if found < min(count, 10) and path is not None:
        raise MapError(
            f"places within {config.path_margin:g} m of the path see no {config.least_seen} map "
            "points; is the path in the map's frame, and of a camera?"
        )
    if found < min(count, 10):
        raise MapError(
            f"no free place for a camera {config.camera_height_min:g} to "
            f"{config.camera_height_max:g} m above the floor that sees {config.least_seen} map "
            "points; give the heights at which your camera moves."
        )
    samples, points = np.concatenate(sample), np.concatenate(point)
    kept = samples < count
    return ViewSamples(np.concatenate(positions)[:count], samples[kept], points[kept])


def _bounds(point_map: PointMap, config: ExplorationConfig) -> tuple[Positions, Positions]:
    """Lower and upper corner (1, 3) of the volume at the heights a camera is carried at."""
    low, high = point_map.points.min(axis=0), point_map.points.max(axis=0)
    floor = float(np.percentile(point_map.points[:, 2], 1))
    low[2], high[2] = floor + config.camera_height_min, floor + config.camera_height_max
    return low[None], high[None]


def _around(
    path: NDArray[np.floating], config: ExplorationConfig
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Lower and upper corners (F, 3) of boxes around the positions of a path."""
    return path - config.path_margin, path + config.path_margin


def _look_around(
    point_map: PointMap, seen_from: SeenFrom, positions: Positions, config: ExplorationConfig
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """What is seen from each position (P, N), and which positions are free (P,)."""
    distance = torch.cdist(torch.from_numpy(positions), torch.from_numpy(point_map.points)).numpy()
    free = distance.min(axis=1) > config.clearance
    seen = np.zeros(distance.shape, bool)
    if free.any():
        seen[free] = seen_from(positions[free]) & (distance[free] < config.range_max)
    return seen, free & (seen.sum(axis=1) >= config.least_seen)


def depth_of_sight(
    point_map: PointMap,
    seen_from: SeenFrom,
    config: ExplorationConfig,
    seed: int = 0,
    path: NDArray[np.floating] | None = None,
) -> float:
    """How far away the points are that are seen from a few places, metres: the median."""
    few = explore(point_map, seen_from, FEW_PLACES, config, seed, path)
    apart = point_map.points[few.point] - few.positions[few.sample]
    return float(np.median(np.linalg.norm(apart, axis=1)))


def coarse_view_space(
    point_map: PointMap, samples: ViewSamples, config: ExplorationConfig
) -> ViewSpace:
    """One anchor a cell: chances are means over the cell's samples."""
    member, size = _cells(samples.positions, config)
    anchors = _mean_by_cell(torch.from_numpy(samples.positions), member)
    points = len(point_map)
    pair = member[torch.from_numpy(samples.sample)] * points + torch.from_numpy(samples.point)
    pair, times = pair.unique(return_counts=True)
    cell, point = pair // points, pair % points
    share = times / torch.bincount(member)[cell]
    chance = share * torch.from_numpy(point_map.detectability)[point]
    seen, chance = pack_pairs(cell, point, chance, len(anchors))
    return ViewSpace(anchors, seen, chance, torch.from_numpy(size / 2), config.tilt)


def with_few_cells(samples: ViewSamples, config: ExplorationConfig, most: int) -> ExplorationConfig:
    """The same with cells as large as it takes for no more than `most` of them."""
    while len(torch.unique(_cells(samples.positions, config)[0])) > most:
        config = replace(config, cell=1.1 * config.cell, layer=1.1 * config.layer)
    return config


def _cells(positions: Positions, config: ExplorationConfig) -> tuple[torch.Tensor, Positions]:
    """The cell that each position (S, 3) lies in, and how large cells are (3,), metres."""
    low, extent = positions[:, 2].min(), float(np.ptp(positions[:, 2]))
    layers = max(math.ceil(extent / config.layer), 1)
    size = np.array(
        [config.cell, config.cell, max(extent / layers, FLATTEST * config.cell)], np.float32
    )
    cells = np.floor((positions - [0, 0, low]) / size).astype(np.int64)
    cells[:, 2] = cells[:, 2].clip(max=layers - 1)
    _, cell = np.unique(cells, axis=0, return_inverse=True)
    return torch.from_numpy(cell.reshape(-1)), size


def _mean_by_cell(values: torch.Tensor, member: torch.Tensor) -> torch.Tensor:
    cells = int(member.max()) + 1
    total = torch.zeros(cells, values.shape[1]).index_add_(0, member, values)
    return total / torch.bincount(member, minlength=cells)[:, None]


def fine_view_space(
    point_map: PointMap, samples: ViewSamples, config: ExplorationConfig
) -> ViewSpace:
    """One anchor a sample, seen exactly as it was found, for training views."""
    sample, point = torch.from_numpy(samples.sample), torch.from_numpy(samples.point)
    chance = torch.from_numpy(point_map.detectability)[point]
    seen, chance = pack_pairs(sample, point, chance, len(samples.positions))
    reach = torch.full((3,), EXACT * config.cell)
    return ViewSpace(torch.from_numpy(samples.positions), seen, chance, reach, config.tilt)
