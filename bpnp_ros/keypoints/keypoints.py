"""Keypoints ready for the localiser: undistorted, on the z = 1 plane, cleaned in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.configuration.parameters import KeypointConfig
from bpnp_ros.errors import ConfigError, KeypointError
from bpnp_ros.geometry.camera import Camera, Frustum
from bpnp_ros.geometry.chart import EQUIDISTANT, PINHOLE, Chart
from bpnp_ros.keypoints.lens import WIDEST_PLANE, image_view, on_chart

Array = NDArray[np.floating]
Cues = Mapping[str, NDArray[np.float32]]

_STEEPEST = math.tan(math.radians(85))
STRAIGHT_BACK = math.radians(3)  # about the one direction that no chart holds
FEW_MISTAKES, SHARE_OF_MISTAKES = 2, 0.05  # bearings beyond the plane that make no wide view


class TooFewKeypointsError(KeypointError):
    """Well-formed keypoints of which too few are usable."""


@dataclass(frozen=True, eq=False)
class Keypoints:
    """What the localiser sees of an image. The order depends on values only: best score first.

    xy: (M, 2) float32 on the plane of the frustum's chart (z = 1, as a rule), undistorted; no two
    are equal.
    score: (M,) float32 in [0, 1].
    index: (M,) int64, the row of the original message.
    frustum: the image on that plane.
    dropped: how many rows were left out, by reason.
    cues: float32 columns (M, ...) by name, NaN where unknown; see docs/interface.md.
    """

    xy: NDArray[np.float32]
    score: NDArray[np.float32]
    index: NDArray[np.int64]
    frustum: Frustum
    dropped: dict[str, int] = field(default_factory=dict)
    cues: Cues = field(default_factory=dict)

    @property
    def bearing(self) -> NDArray[np.float64]:
        """(M, 3) unit vectors in the optical frame, of the rows of `xy`."""
        return self.frustum.chart.bearings(torch.from_numpy(self.xy).double()).numpy()

    def __len__(self) -> int:
        return len(self.xy)


def keypoints_from_pixels(
    pixels: Array,
    camera: Camera,
    score: Array | None = None,
    config: KeypointConfig | None = None,
    cues: Cues | None = None,
) -> Keypoints:
    """Pixels (u, v) of the raw image, (M, 2), their score (M,) and cues (M, ...) -> Keypoints.

    For keypoints of a rectified image give a camera whose K is the projection matrix P and that has
    no distortion. Raises KeypointError, and TooFewKeypointsError when too few remain.
    """
    config = config or KeypointConfig()
    score = _checked_score(pixels, 2, score)
    cleaning = _Cleaning(len(pixels))
    cleaning.keep(np.isfinite(pixels).all(axis=1) & np.isfinite(score), "not finite")
    cleaning.keep(camera.image_contains(pixels, config.border), "outside the image")
    xy = np.full((len(pixels), 2), np.nan)
    xy[cleaning.rows] = on_chart(pixels[cleaning.rows], camera)
    cleaning.keep(np.isfinite(xy).all(axis=1), "beyond what the lens model covers")
    return cleaning.finish(xy, score, image_view(camera), config, cues)


def keypoints_from_bearings(
    bearings: Array,
    score: Array | None = None,
    field_of_view: tuple[float, float] | None = None,
    config: KeypointConfig | None = None,
    cues: Cues | None = None,
    chart: Chart | None = None,
) -> Keypoints:
    """Directions (x, y, z) in the optical frame, (M, 3), of any length > 0 -> Keypoints.

    field_of_view: horizontal and vertical, degrees, of a camera that looks along z; without it the
    image is taken to be the rectangle around the bearings. chart: None: the z = 1 plane, which has
    no place for what is beside or behind the camera, unless the view is wider than that plane.
    Raises KeypointError, and TooFewKeypointsError when too few remain.
    """
    config = config or KeypointConfig()
    score = _checked_score(bearings, 3, score)
    cleaning = _Cleaning(len(bearings))
    cleaning.keep(np.isfinite(bearings).all(axis=1) & np.isfinite(score), "not finite")
    if chart is None:
        chart = _chart_of(bearings[cleaning.rows], field_of_view)
    xy = _on_plane(bearings, cleaning) if chart == PINHOLE else _around_axis(bearings, cleaning)
    if field_of_view is None:
        frustum = _frustum_around(xy[cleaning.rows], config.bearing_pixel, chart)
    else:
        frustum = _frustum_of(field_of_view, config.bearing_pixel, chart)
        margin = config.border * frustum.pixel
        cleaning.keep(frustum.contains(xy, margin), "outside the field of view")
    return cleaning.finish(xy, score, frustum, config, cues)


def _chart_of(bearings: Array, field_of_view: tuple[float, float] | None) -> Chart:
    """The one that a view needs: of bearings (M, 3) some may be mistakes, but not many."""
    if field_of_view is not None:
        wide = max(field_of_view) > 2 * math.degrees(WIDEST_PLANE)
        return EQUIDISTANT if wide else PINHOLE
    beyond = _unit(bearings)[:, 2] < math.cos(WIDEST_PLANE)
    few = max(FEW_MISTAKES, SHARE_OF_MISTAKES * len(bearings))
    return EQUIDISTANT if beyond.sum() > few else PINHOLE


def _on_plane(bearings: Array, cleaning: _Cleaning) -> NDArray[np.float64]:
    """On the z = 1 plane (M, 2), NaN where dropped."""
    cleaning.keep(bearings[:, 2] > 0, "behind the camera")
    xy = np.full((len(bearings), 2), np.nan)
    ahead = bearings[cleaning.rows].astype(np.float64)
    with np.errstate(over="ignore"):
        xy[cleaning.rows] = ahead[:, :2] / ahead[:, 2:]
    cleaning.keep(np.abs(xy).max(axis=1, initial=0) < _STEEPEST, "at a right angle to the axis")
    return xy


def _around_axis(bearings: Array, cleaning: _Cleaning) -> NDArray[np.float64]:
    """On the equidistant chart (M, 2), NaN where dropped."""
    rays = np.full(bearings.shape, np.nan)
    rays[cleaning.rows] = _unit(bearings[cleaning.rows])
    cleaning.keep(rays[:, 2] > -math.cos(STRAIGHT_BACK), "straight behind the camera")
    xy = EQUIDISTANT.image(torch.from_numpy(rays).unbind(-1), nearest=0.0)
    return np.asarray(torch.stack(xy, dim=-1).numpy())


def _unit(bearings: Array) -> NDArray[np.float64]:
    """Of length 1, whatever their size; NaN for those of length 0."""
    largest = np.abs(bearings).max(axis=1, keepdims=True, initial=0.0)
    with np.errstate(invalid="ignore"):
        scaled = bearings.astype(np.float64) / largest
    return np.asarray(scaled / np.linalg.norm(scaled, axis=1, keepdims=True))


@dataclass
class _Cleaning:
    """Rows still alive, and the count and reason of those that are not."""

    total: int

    def __post_init__(self) -> None:
        self.rows: NDArray[np.int64] = np.arange(self.total)
        self.dropped: dict[str, int] = {}

    def keep(self, good: NDArray[np.bool_], otherwise: str) -> None:
        """Let go of the living rows for which `good` (total,) is false."""
        self._replace(self.rows[good[self.rows]], otherwise)

    def finish(
        self,
        xy: Array,
        score: Array,
        frustum: Frustum,
        config: KeypointConfig,
        cues: Cues | None,
    ) -> Keypoints:
        """Merge duplicates, keep the best, refuse too few."""
        single = np.full(xy.shape, np.nan, np.float32)
        single[self.rows] = xy[self.rows]
        x, y = single[self.rows].T
        by_value = self.rows[np.lexsort((self.rows, y, x, -score[self.rows]))]
        _, first = np.unique(single[by_value], axis=0, return_index=True)
        self._replace(by_value[np.sort(first)], "duplicates")
        self._replace(self.rows[: config.max_keypoints], "beyond max_keypoints")
        if len(self.rows) < config.min_keypoints:
            raise TooFewKeypointsError(self._complaint(config.min_keypoints))
        scale = max(float(score[self.rows].max()), 1.0)
        normalised = np.clip(score[self.rows] / scale, 0, 1).astype(np.float32)
        kept = {name: column[self.rows] for name, column in (cues or {}).items()}
        return Keypoints(single[self.rows], normalised, self.rows, frustum, self.dropped, kept)

    def _replace(self, rows: NDArray[np.int64], otherwise: str) -> None:
        if len(rows) < len(self.rows):
            self.dropped[otherwise] = len(self.rows) - len(rows)
        self.rows = rows

    def _complaint(self, needed: int) -> str:
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items())
        because = f" ({reasons})" if reasons else ""
        return (
            f"{len(self.rows)} of {self.total} keypoints are usable{because}; "
            f"at least {needed} are needed."
        )


def _checked_score(rows: Array, columns: int, score: Array | None) -> NDArray[np.float64]:
    if rows.ndim != 2 or rows.shape[1] != columns:
        raise KeypointError(f"keypoints must have the shape (M, {columns}), not {rows.shape}.")
    if score is None:
        return np.ones(len(rows))
    if score.shape != (len(rows),):
        raise KeypointError(f"{len(rows)} keypoints came with scores of shape {score.shape}.")
    return score.astype(np.float64)


def _frustum_of(field_of_view: tuple[float, float], pixel: float, chart: Chart) -> Frustum:
    if not all(0 < angle < 360 for angle in field_of_view):
        raise ConfigError(
            f"field of view {field_of_view} is not in degrees between 0 and 360; "
            "give the horizontal and the vertical angle of the camera."
        )
    x, y = (math.radians(angle / 2) for angle in field_of_view)
    if chart == PINHOLE:
        x, y = math.tan(x), math.tan(y)
    return Frustum(-x, x, -y, y, pixel, chart)


def _frustum_around(xy: Array, pixel: float, chart: Chart) -> Frustum:
    if len(xy) == 0:
        return Frustum(-pixel, pixel, -pixel, pixel, pixel, chart)
    low, high = xy.min(axis=0) - pixel, xy.max(axis=0) + pixel
    return Frustum(float(low[0]), float(high[0]), float(low[1]), float(high[1]), pixel, chart)
