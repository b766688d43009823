"""Is the map still true? Points that should be seen, and are not, by region of the map.

For each region a cumulative sum of log-likelihood ratios (Page, 1954): "gone", where a keypoint
lies there by chance alone, against "there", if only seen more rarely than the rest of the frame.
It never falls below zero, and all views from one place together count for little. Where points hide
others it is guessed what is in sight from where: there a region is missed only from places that it
has been well seen from before. What had moved before a camera came is not told from what is hidden.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import predict
from bpnp_ros.localizer.self_checks.lens_error import LensError
from bpnp_ros.localizer.self_checks.regions import Cell, Regions
from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]

HIT = 3.0  # sigmas of a keypoint
MARGIN = 5.0  # sigmas from the edge of the image, where a point is in view or not
FALSE_ALARMS = 0.01  # wrong findings expected in a whole map
RARELY = 0.5  # of the usual share: so rarely may be seen what is there
LEAST_SEEN = 0.1  # of what should be seen; a frame with less says nothing
LEAST_CHANCE = 0.01
MOST_OF_A_PLACE = 4.0  # nats
WELL_SEEN = -2.0  # nats of one view
MEMORY = 6.0  # nats above the limit, so that what has come back is soon believed
DOUBTED = -5.0  # nats for a pair with a point of a region that looks changed
MOST_DOUBTED = 0.3  # share of the map's points; beyond it nobody knows what is right
MOST_NAMED = 3


class MapCheck:
    """Takes views from different places; knows which regions look moved or gone."""

    def __init__(self, model: MapModel) -> None:
        self._model, self._regions = model, Regions.of(model)
        self._limit = math.log(len(self._regions) / FALSE_ALARMS)
        self.forget()

    def forget(self) -> None:
        count = len(self._regions)
        self._nats = np.zeros(count)
        self._expected, self._seen = np.zeros(count), np.zeros(count)
        self._from = [dict[Cell, float]() for _ in range(count)]  # nats for "gone", by place
        self._seen_from = [set[Cell]() for _ in range(count)]
        self.doubts: Tensor | None = None
        """(N,) what pairs with each point lose, nats; None while nothing looks changed."""

    def take(self, T_map_camera: Tensor, frame: Frame, lens: LensError) -> None:
        """A fix (4, 4) in the recentred map, and the keypoints as CameraInfo has them."""
        point, chance, hit = _looked_for(self._model, T_map_camera, frame, lens)
        region = self._regions.of_point[point]
        usual = ~self.changed[region]
        share = hit[usual].sum() / max(chance[usual].sum(), 1e-9)
        if share < LEAST_SEEN:
            return
        count = len(self._nats)
        nats = _nats(frame, min(share, 1.0) * chance, hit)
        gained: Array = np.bincount(region, nats, count).clip(-MOST_OF_A_PLACE, None)
        gained = self._new_from(T_map_camera, gained)
        self._nats = (self._nats + gained).clip(0, self._limit + MEMORY)
        self._expected += share * np.bincount(region, chance, count)
        self._seen += np.bincount(region, hit, count)
        self._begin_anew(np.flatnonzero(self._nats == 0))
        self.doubts = self._doubts()

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Which regions look moved or gone."""
        return self._nats > self._limit

    @property
    def notes(self) -> list[str]:
        """The parts that look changed, for people, the largest first."""
        parts = self._regions.parts(self.changed)
        return [self._words(rows) for rows in parts[:MOST_NAMED]]

    def _words(self, rows: NDArray[np.int64]) -> str:
        x, y, z = self._regions.middle(rows)
        points = int(np.isin(self._regions.of_point, rows).sum())
        return (
            f"the part of the map around ({x:.1f}, {y:.1f}, {z:.1f}), {points} points, looks moved "
            f"or gone: {self._seen[rows].sum():.0f} of {self._expected[rows].sum():.0f} expected "
            "keypoints were seen there"
        )

    def _new_from(self, T_map_camera: Tensor, gained: Array) -> Array:
        """What nats (R,) add to what this place has said before."""
        place = self._regions.place(T_map_camera[:3, 3].double().cpu().numpy())
        new = gained.copy()
        for row in np.flatnonzero(gained < WELL_SEEN):
            self._seen_from[row].add(place)
        for row in np.flatnonzero(gained > 0):
            before = self._from[row].get(place, 0.0)
            is_in_sight = self._model.is_open or place in self._seen_from[row]
            now = min(before + gained[row], MOST_OF_A_PLACE) if is_in_sight else before
            self._from[row][place], new[row] = now, now - before
        return new

    def _begin_anew(self, rows: NDArray[np.int64]) -> None:
        """Of regions for which nothing speaks any more that they are gone."""
        self._expected[rows] = self._seen[rows] = 0
        for row in rows:
            self._from[row].clear()

    def _doubts(self) -> Tensor | None:
        doubted = self.changed[self._regions.of_point]
        if not 0 < doubted.mean() <= MOST_DOUBTED:
            return None
        return DOUBTED * torch.from_numpy(doubted).float()


def _looked_for(
    model: MapModel, T_map_camera: Tensor, frame: Frame, lens: LensError
) -> tuple[NDArray[np.int64], Array, NDArray[np.bool_]]:
    """Points well in view, the chance that each is detected, and whether a keypoint is there."""
    seen, view = predict(model, T_map_camera[None], frame.frustum), frame.frustum
    xy, margin = lens.seen(seen.xy[0]), MARGIN * frame.sigma
    inside = (xy[:, 0] > view.x_min + margin) & (xy[:, 0] < view.x_max - margin)
    inside &= (xy[:, 1] > view.y_min + margin) & (xy[:, 1] < view.y_max - margin)
    inside &= seen.weight[0] > 0
    near = torch.cdist(xy[inside], frame.xy).amin(dim=1) < HIT * frame.sigma
    point, chance = seen.point[0, inside], seen.weight[0, inside].double()
    return point.cpu().numpy(), chance.cpu().numpy(), near.cpu().numpy()


def _nats(frame: Frame, share: Array, hit: NDArray[np.bool_]) -> Array:
    """How much likelier (K,) hits and misses are if the point is gone; share: of seeing it."""
    near = math.pi * (HIT * frame.sigma) ** 2 / frame.frustum.area
    gone = LEAST_CHANCE - math.expm1(-len(frame.xy) * near)
    there = RARELY * share + gone
    nats: Array = np.where(
        hit, np.log(gone / there), np.log1p(-gone) - np.log1p(-there.clip(0, 0.99))
    )
    return nats


def doubted_pairs(pairs: Tensor | None, doubts: Tensor | None, keypoints: int) -> Tensor | None:
    """What cues say of pairs (M, N), less what is doubted of the points (N,)."""
    if doubts is None:
        return pairs
    return doubts.repeat(keypoints, 1) if pairs is None else pairs + doubts
