"""Place points by the photographs at hand alone, when some that made them are held back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.point_map.sfm.sfm_model import SfmModel

Array = NDArray[np.float64]

ROUNDS = 5
PIXEL = 0.001  # error of a keypoint on the z = 1 plane
MOST_ERROR = 4 * PIXEL  # root mean square over a point's keypoints
MOST_UNCERTAINTY = 0.05  # standard deviation of a point's position, in depths
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class _Sightings:
    """Keypoints (K,) that show a point: its row, world-to-camera R (K, 3, 3) and t (K, 3), xy."""

    point: NDArray[np.int64]
    R: Array
    t: Array
    xy: Array

    @classmethod
    def of(cls, model: SfmModel) -> _Sightings:
        shown = model.keypoint_point >= 0
        image = model.keypoint_image[shown]
        R = model.T_map_camera[:, :3, :3].transpose(0, 2, 1)
        t = -np.einsum("iab,ib->ia", R, model.T_map_camera[:, :3, 3])
        xy = model.keypoints[shown].astype(np.float64)
        return cls(model.keypoint_point[shown], R[image], t[image], xy)

    def depths(self, points: Array) -> Array:
        """Of each keypoint's point (K,), where points (N, 3) put it."""
        return np.einsum("ka,ka->k", self.R[:, 2], points[self.point]) + self.t[:, 2]


@dataclass(frozen=True, eq=False)
class _Placed:
    """points (N, 3); how many keypoints (N,) show each; information (N, 3, 3) on its position and
    sum of squared errors (N,), both on the z = 1 plane."""

    points: Array
    seen: NDArray[np.int64]
    information: Array
    cost: Array


def triangulated(model: SfmModel) -> SfmModel:
    """The points that a model's own photographs place soundly, where they place them.

    Sound is a point at least two photographs saw, in front of all of them, that reprojects within
    MOST_ERROR and is certain to MOST_UNCERTAINTY of its depth.
    """
    model = model.with_points(model.track_length >= 2)
    sightings = _Sightings.of(model)
    depth = np.ones(len(sightings.point))
    for _ in range(ROUNDS):
        placed = _least_squares(sightings, depth, len(model))
        depth = sightings.depths(placed.points).clip(_TINY)
    return replace(model, points=placed.points).with_points(_is_sound(placed, sightings))


def _least_squares(sightings: _Sightings, depth: Array, count: int) -> _Placed:
    """The `count` points that keypoints agree on best.

    A keypoint (x, y) says (r_1 - x r_3) p = x t_3 - t_1, and y likewise; divided by the point's
    depth the two sides differ by the reprojection error.
    """
    xy, R, t, point = sightings.xy, sightings.R, sightings.t, sightings.point
    A = (R[:, :2] - xy[:, :, None] * R[:, 2:]) / depth[:, None, None]
    b = (xy * t[:, 2:] - t[:, :2]) / depth[:, None]
    information, right = np.zeros((count, 3, 3)), np.zeros((count, 3))
    np.add.at(information, point, A.transpose(0, 2, 1) @ A)
    np.add.at(right, point, np.einsum("kea,ke->ka", A, b))
    damping = 1e-9 * np.trace(information, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    points = np.linalg.solve(information + damping, right[..., None])[..., 0]
    cost = np.zeros(count)
    np.add.at(cost, point, ((np.einsum("kea,ka->ke", A, points[point]) - b) ** 2).sum(axis=1))
    return _Placed(points, np.bincount(point, minlength=count), information, cost)


def _is_sound(placed: _Placed, sightings: _Sightings) -> NDArray[np.bool_]:
    depth = sightings.depths(placed.points)
    nearest, farthest = np.full(len(placed.points), np.inf), np.zeros(len(placed.points))
    np.minimum.at(nearest, sightings.point, depth)
    np.maximum.at(farthest, sightings.point, depth)
    weakest = np.linalg.eigvalsh(placed.information)[:, 0].clip(_TINY)
    certain = PIXEL / np.sqrt(weakest) <= MOST_UNCERTAINTY * farthest
    exact = np.sqrt(placed.cost / placed.seen) <= MOST_ERROR
    return np.asarray((nearest > 0) & certain & exact)
