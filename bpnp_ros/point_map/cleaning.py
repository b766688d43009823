"""Clean a map's points, refuse maps in which no camera could be found, thin large ones."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import ConfigError, MapError
from bpnp_ros.point_map.point_map import PointMap

_log = logging.getLogger(__name__)

_FEWEST_POINTS = 4
_FARTHEST = 1e9  # metres: beyond any georeferenced map
_NEARLY_COLLINEAR = 1e-3
_COARSEST_FLOAT32 = 5e-3
_CELLS_PER_AXIS = 1 << 21
_VERY_MANY, _SIFTED = 8, 3  # times as many points as are kept
_MIX = np.array([1.0, np.sqrt(2), np.pi])  # tells positions apart by one number


def clean_map(
    points: NDArray[np.floating],
    detectability: NDArray[np.floating] | None = None,
    scale: float | None = None,
    cues: Mapping[str, NDArray[Any]] | None = None,
) -> PointMap:
    """Points (N, 3) as they come, detectability (N,) -> a map without NaN and duplicates.

    `scale` is metres per unit of the map, also of the cue `size` (see `PointMap`). Of equal points
    the most detectable stays, with its cues. What was left out is logged. Raises MapError when
    fewer than 4 points remain, or all of them lie on one spot or on one line.
    """
    kept = np.asarray(points, np.float64)
    if kept.ndim != 2 or kept.shape[1] != 3:
        raise MapError(f"map points must have the shape (N, 3), not {kept.shape}.")
    chance = _checked_detectability(detectability, len(kept))
    _warn_of_coarse_coordinates(kept)
    finite = np.flatnonzero(np.isfinite(kept).all(axis=1))
    rows = finite[_first_of_duplicates(kept[finite], chance[finite])]
    _report(len(points), len(points) - len(finite), len(finite) - len(rows))
    if len(rows) < _FEWEST_POINTS <= len(finite):
        raise MapError(
            f"the map has {len(rows)} usable points, which its {len(finite)} lines repeat; at "
            f"least {_FEWEST_POINTS} are needed."
        )
    kept = kept[rows] * checked_scale(scale)
    refuse_degenerate(kept)
    beside = {name: cue[rows] for name, cue in (cues or {}).items()}
    if "size" in beside:
        beside["size"] = beside["size"] * np.float32(checked_scale(scale))
    return PointMap.recentred(kept, chance[rows], beside)


def checked_scale(scale: float | None) -> float:
    """`scale`, or 1 where there is none; ConfigError unless it is a positive number."""
    if scale is None:
        return 1.0
    if not (math.isfinite(scale) and scale > 0):
        raise ConfigError(f"map_scale is {scale}; it must be a positive number (metres per unit).")
    return scale


def refuse_degenerate(points: NDArray[np.float64]) -> None:
    """Raise MapError unless points (N, 3), finite and distinct, can hold a camera."""
    if len(points) < _FEWEST_POINTS:
        raise MapError(f"the map has {len(points)} usable points; at least 4 are needed.")
    farthest = float(np.abs(points).max())
    if farthest > _FARTHEST:
        raise MapError(f"the map has coordinates of up to {farthest:g} m; its file is damaged.")
    rounding = np.spacing(farthest)
    if np.ptp(points, axis=0).max() < 1e6 * rounding:
        raise MapError("all points of the map lie on one spot.")
    centred = points - points.mean(axis=0)
    spread = np.sqrt(np.linalg.eigvalsh(centred.T @ centred).clip(min=0))
    if spread[1] < _NEARLY_COLLINEAR * spread[2]:
        raise MapError("all points of the map lie on one line; a camera cannot be found from it.")


def thin_to_voxels(point_map: PointMap, size: float) -> PointMap:
    """Keep the most detectable point of every cube with sides of `size` metres."""
    if not (math.isfinite(size) and size > 0):
        raise ConfigError(f"voxel size is {size}; it must be a positive number of metres.")
    return point_map.take(_voxel_rows(point_map, size, _best_first(point_map)))


def thin_to_count(point_map: PointMap, most: int) -> PointMap:
    """Keep at most `most` points, evenly spread: the finest voxels that give so few."""
    if most < _FEWEST_POINTS:
        raise ConfigError(f"a map of {most} points is too small; keep at least 4.")
    if len(point_map) <= most:
        return point_map
    if len(point_map) > _VERY_MANY * most:
        point_map = _sifted(point_map, most)
    return point_map.take(_finest(point_map, most)[1])


def _sifted(point_map: PointMap, most: int) -> PointMap:
    """Of very many points those that fine voxels leave, a few times as many as `most`: the search
    for the voxels that give so few would look at all of them a dozen times."""
    some = point_map.take(np.arange(0, len(point_map), len(point_map) // (_VERY_MANY * most)))
    return thin_to_voxels(point_map, _finest(some, _SIFTED * most)[0])


def _finest(point_map: PointMap, most: int) -> tuple[float, NDArray[np.int64]]:
    """The finest voxels that leave no more than `most` points, metres, and the rows of these."""
    too_fine, coarse = point_map.extent / _CELLS_PER_AXIS, 2 * point_map.extent
    best_first = _best_first(point_map)
    rows = _voxel_rows(point_map, coarse, best_first)
    while coarse / too_fine > 1.01:
        size = math.sqrt(too_fine * coarse)
        candidate = _voxel_rows(point_map, size, best_first)
        if len(candidate) > most:
            too_fine = size
        else:
            coarse, rows = size, candidate
    return coarse, rows


def _best_first(point_map: PointMap) -> NDArray[np.int64]:
    """All rows, the most detectable first."""
    return np.argsort(-point_map.detectability, kind="stable")


def _voxel_rows(
    point_map: PointMap, size: float, best_first: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The first of the rows `best_first` (N,) in each occupied voxel, in the map's order."""
    low = point_map.points.min(axis=0)
    cells = np.floor((point_map.points - low) / size).astype(np.int64)
    if cells.max() >= _CELLS_PER_AXIS:
        raise MapError(f"voxels of {size:g} m are too small for a map of {point_map.extent:g} m.")
    key = (cells[:, 0] * _CELLS_PER_AXIS + cells[:, 1]) * _CELLS_PER_AXIS + cells[:, 2]
    _, first = np.unique(key[best_first], return_index=True)
    return np.sort(best_first[first])


def _checked_detectability(
    detectability: NDArray[np.floating] | None, count: int
) -> NDArray[np.float32]:
    if detectability is None:
        return np.ones(count, np.float32)
    if detectability.shape != (count,):
        raise MapError(
            f"{count} map points came with detectability of shape {detectability.shape}."
        )
    if not ((detectability > 0) & (detectability <= 1)).all():
        raise MapError("detectability must be greater than 0 and at most 1 for every map point.")
    return detectability.astype(np.float32)


def _first_of_duplicates(
    points: NDArray[np.float64], detectability: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Of equal points the most detectable, in the given order."""
    suspects = _alike(points)
    order = suspects[np.lexsort((-detectability[suspects], *points[suspects].T))]
    again = np.zeros(len(points), bool)
    again[order[1:]] = (np.diff(points[order], axis=0) == 0).all(axis=1)
    return np.flatnonzero(~again)


def _alike(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows of points (N, 3) that others may equal: one sort of one number each, where there are
    millions of points and hardly two of them are equal."""
    number = points @ _MIX
    order = number.argsort(kind="stable")
    equal = np.zeros(len(points) + 1, bool)
    equal[1:-1] = np.diff(number[order]) == 0
    return np.sort(order[equal[1:] | equal[:-1]])


def _report(total: int, not_finite: int, duplicates: int) -> None:
    if not_finite or duplicates:
        _log.warning(
            "of %d map points %d are not finite and %d are duplicates; they are left out",
            total,
            not_finite,
            duplicates,
        )


def _warn_of_coarse_coordinates(points: NDArray[np.float64]) -> None:
    """float32 holds 0.5 m at 5,000,000 m: that cannot be mended after it was written."""
    with np.errstate(over="ignore", invalid="ignore"):
        single = points.astype(np.float32)
        farthest = np.abs(single[np.isfinite(single)]).max(initial=0)
    step = float(np.spacing(farthest))
    if step > _COARSEST_FLOAT32 and np.array_equal(single, points, equal_nan=True):
        _log.warning(
            "the map's coordinates are 32-bit numbers of up to %g m, in steps of %g m; "
            "subtract its offset, or store 64-bit numbers",
            farthest,
            step,
        )
