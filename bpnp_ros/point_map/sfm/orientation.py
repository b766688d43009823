"""Orientations of features as directions in the map, out of the photographs that saw them.

A feature's orientation is an angle in the image. Taken to lie on the plane that faces the middle of
its photographs, it is a direction of the map, which every pose sees at an angle of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bpnp_ros.point_map.sfm.sfm_model import SfmModel

Array = NDArray[np.float64]

LEAST_AGREEMENT = 0.7  # length of the mean of unit vectors
_STEEPEST = 0.2  # cosine between a ray and the middle of all


def keypoint_directions(model: SfmModel) -> Array:
    """(M, 3) unit vectors in the map of the keypoints' angles; NaN of keypoints without a point."""
    T, point = model.T_map_camera[model.keypoint_image], model.keypoint_point
    rays = _turned(T, np.column_stack([model.keypoints, np.ones(len(point))]))
    angle = model.keypoint_cues["angle"].astype(np.float64)
    along = _turned(T, np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1))
    middle = _unit(sums(point, _unit(rays), len(model)))[point]
    facing = np.einsum("ka,ka->k", rays, middle)
    steep = (point < 0) | (facing < _STEEPEST * np.linalg.norm(rays, axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        back = np.einsum("ka,ka->k", along, middle) / np.where(steep, np.nan, facing)
    return _unit(along - back[:, None] * rays)


def point_directions(model: SfmModel) -> NDArray[np.float32]:
    """(N, 3) unit vectors; NaN of points whose photographs do not agree."""
    directions = keypoint_directions(model)
    known = np.isfinite(directions).all(axis=1)
    count = np.bincount(model.keypoint_point[known], minlength=len(model))
    total = sums(model.keypoint_point, directions, len(model))
    agree = (count >= 2) & (np.linalg.norm(total, axis=1) > LEAST_AGREEMENT * count)
    return np.where(agree[:, None], _unit(total), np.nan).astype(np.float32)


def sums(point: NDArray[np.int64], values: Array, count: int) -> Array:
    """(count, D) over the values (M, D) of each point that are known; rows -1 are left out."""
    known = (point >= 0) & np.isfinite(values).all(axis=1)
    columns = [np.bincount(point[known], column[known], count) for column in values.T]
    return np.stack(columns, axis=1)


def _turned(T: Array, vectors: Array) -> Array:
    return np.einsum("kab,kb->ka", T[:, :3, :3], vectors)


def _unit(vectors: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
