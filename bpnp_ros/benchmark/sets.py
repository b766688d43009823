"""Blind PnP problems out of structure from motion: keypoints, points, and which belong together.

The points are those that another image saw (the one that shares most with the query: an oracle's
retrieval), or a whole map. What is unmatched is real: keypoints of the query without a point in the
set, and points that the query has no keypoint of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.keypoints.lens import image_frustum
from bpnp_ros.point_map.sfm.sfm_model import SfmModel

Rows = NDArray[np.int64]

MOST = 1024
LEAST_OVERLAP = 0.35  # of a query's points, to be seen by the image that is retrieved
LEAST_PAIRS = 10


@dataclass(frozen=True, eq=False)
class BlindPnpSets:
    """One problem and its answer. The order within each set says nothing.

    keypoints: (M, 2) float32 on the z = 1 plane. keypoint_row: (M,) the same as rows of the
    query's keypoints. frustum: the image there.
    points: (N, 3) float64 in the scene's unit. point_row: (N,) the same as rows of the scene.
    match: (M,) int64, the row of `points` that a keypoint shows, -1 for none; one-to-one.
    T_map_camera: (4, 4) float64, the query's pose. depth: median over all points the query saw.
    """

    keypoints: NDArray[np.float32]
    keypoint_row: Rows
    points: NDArray[np.float64]
    point_row: Rows
    match: Rows
    frustum: Frustum
    T_map_camera: NDArray[np.float64]
    depth: float

    @property
    def pairs(self) -> tuple[Rows, Rows]:
        """Rows of `keypoints` and of `points` (K,) that belong together."""
        keypoint = np.flatnonzero(self.match >= 0)
        return keypoint, self.match[keypoint]

    @property
    def outlier_rates(self) -> tuple[float, float]:
        """Unmatched / all, of the keypoints and of the points."""
        K = len(self.pairs[0])
        return 1 - K / max(len(self.keypoints), 1), 1 - K / max(len(self.points), 1)


@dataclass(frozen=True, eq=False)
class Sightings:
    """Which image saw which point, each pair once: image (S,), ascending, and point (S,)."""

    image: Rows
    point: Rows
    image_count: int
    point_count: int

    @classmethod
    def of(cls, scene: SfmModel) -> Sightings:
        return cls(*scene.sightings, scene.image_count, len(scene))

    def seen_by(self, image: int) -> Rows:
        """Rows of the points that one image saw, ascending."""
        first, end = np.searchsorted(self.image, [image, image + 1])
        return self.point[first:end]

    def observers(self, without: int) -> Rows:
        """(N,) how many images saw each point, one image aside."""
        return np.bincount(self.point[self.image != without], minlength=self.point_count)

    def best_other(self, query: int) -> tuple[int, float]:
        """The other image that saw most of the query's points, and the share that it saw."""
        wanted = np.zeros(self.point_count, bool)
        wanted[self.seen_by(query)] = True
        shared = np.bincount(self.image[wanted[self.point]], minlength=self.image_count)
        shared[query] = 0
        other = int(shared.argmax())
        return other, float(shared[other] / max(wanted.sum(), 1))


def retrieved_sets(
    scene: SfmModel,
    query: int,
    points: Rows,
    outlier_rate: float | None,
    rng: np.random.Generator,
    most: int = MOST,
) -> BlindPnpSets:
    """The query's keypoints against `points`, the rows that another image saw.

    outlier_rate: unmatched / all, the same in both sets, exact to rounding; where there are too few
        unmatched for it, matches are left out. None takes all there is; what is more than `most` is
        thinned, both sets by the same factor, so that their own outlier rates stay.
    """
    xy, _ = scene.keypoints_of(query)
    pool = _Pool.of(scene, query, np.arange(len(xy)), points)
    counts = pool.everything(most) if outlier_rate is None else pool.at_rate(outlier_rate, most)
    return _draw(scene, query, pool, counts, rng)


def whole_map_sets(
    scene: SfmModel,
    query: int,
    sightings: Sightings,
    rng: np.random.Generator,
    most: int = MOST,
) -> BlindPnpSets:
    """The query's keypoints, thinned at random, against the map of the other images.

    The map is what at least two of them saw, thinned to the `most` that most of them saw.
    """
    observers = sightings.observers(without=query)
    often = np.argsort(-observers, kind="stable")[:most]
    xy, _ = scene.keypoints_of(query)
    keypoints = rng.permutation(len(xy))[:most]
    pool = _Pool.of(scene, query, keypoints, np.sort(often[observers[often] >= 2]))
    return _draw(scene, query, pool, pool.everything(most), rng)


@dataclass(frozen=True, eq=False)
class _Pool:
    """Rows to draw from: pairs (K,) of a keypoint and its point; keypoints, points without."""

    keypoint: Rows
    point: Rows
    lone_keypoint: Rows
    lone_point: Rows

    @classmethod
    def of(cls, scene: SfmModel, query: int, keypoints: Rows, points: Rows) -> _Pool:
        """Of several keypoints of one point the first counts, the others are left out."""
        _, shown = scene.keypoints_of(query)
        matched = np.isin(shown[keypoints], points)
        point, first = np.unique(shown[keypoints[matched]], return_index=True)
        return cls(
            keypoints[matched][first], point, keypoints[~matched], np.setdiff1d(points, point)
        )

    def at_rate(self, rate: float, most: int) -> tuple[int, int, int]:
        """How many pairs, lone keypoints and lone points give an outlier rate (0 <= rate < 1)."""
        lone = min(len(self.lone_keypoint), len(self.lone_point))
        pairs = min(len(self.point), int(most * (1 - rate)))
        if rate > 0:
            pairs = min(pairs, int(lone * (1 - rate) / rate))
        extra = min(round(pairs * rate / (1 - rate)), lone)
        return pairs, extra, extra

    def everything(self, most: int) -> tuple[int, int, int]:
        """As many of each as fit when both sets are thinned by the same factor."""
        counts = len(self.point), len(self.lone_keypoint), len(self.lone_point)
        pairs, keypoints, points = counts
        largest = pairs + max(keypoints, points)
        if largest <= most:
            return counts
        return pairs * most // largest, keypoints * most // largest, points * most // largest


def _draw(
    scene: SfmModel,
    query: int,
    pool: _Pool,
    counts: tuple[int, int, int],
    rng: np.random.Generator,
) -> BlindPnpSets:
    pairs, lone_keypoints, lone_points = counts
    drawn = rng.permutation(len(pool.point))[:pairs]
    keypoint = _joined(pool.keypoint[drawn], rng.permutation(pool.lone_keypoint)[:lone_keypoints])
    point = _joined(pool.point[drawn], rng.permutation(pool.lone_point)[:lone_points])
    match = _joined(np.arange(pairs), np.full(lone_keypoints, -1))
    keypoint_order, point_order = rng.permutation(len(keypoint)), rng.permutation(len(point))
    new_place = np.append(np.argsort(point_order), -1)  # last: for -1
    xy, _ = scene.keypoints_of(query)
    depths = scene.depths_of(query)
    return BlindPnpSets(
        keypoints=xy[keypoint[keypoint_order]],
        keypoint_row=keypoint[keypoint_order],
        points=scene.points[point[point_order]],
        point_row=point[point_order],
        match=new_place[match[keypoint_order]],
        frustum=image_frustum(scene.cameras[query]),
        T_map_camera=scene.T_map_camera[query],
        depth=float(np.median(depths)) if len(depths) else float("nan"),
    )


def _joined(first: Rows, second: Rows) -> Rows:
    return np.concatenate([first, second]).astype(np.int64)
