"""How much what is seen of a point differs from photograph to photograph, as a map's own show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.keypoints.image_cues import lab_about_median
from bpnp_ros.point_map.sfm.observed_cues import keypoint_sizes
from bpnp_ros.point_map.sfm.orientation import keypoint_directions, point_directions, sums

if TYPE_CHECKING:
    from bpnp_ros.point_map.sfm.sfm_model import SfmModel

Array = NDArray[np.float64]

FEWEST = 200  # sightings that say how noisy a cue is
NORMAL = 1.4826  # standard deviations of a normal distribution in its median distance from 0


def cue_noise(model: SfmModel) -> dict[str, Array]:
    """By cue how far a keypoint is from what others of its point show, where enough of them tell.

    Standard deviations: `rgb` (3,) of L, a and b about the photograph's median, `size` (1,) of the
    logarithm, `angle` (1,) rad; `sign` (1,): the share of keypoints of the other sign.
    """
    seen, noise = model.keypoint_cues, dict[str, Array]()
    if "rgb" in seen:
        parts = np.split(seen["rgb"], model.keypoint_offsets[1:-1])
        values, others = _each_and_others(model, np.concatenate([*map(lab_about_median, parts)]))
        noise["rgb"] = _deviation(values - others)
    if "size" in seen:
        values, others = _each_and_others(model, np.log(keypoint_sizes(model))[:, None])
        noise["size"] = _deviation(values - others)
    if "sign" in seen:
        values, others = _each_and_others(model, seen["sign"][:, None].astype(np.float64))
        noise["sign"] = np.asarray((values * others < 0).mean(axis=0))
    if "angle" in seen:
        agree = np.asarray(np.isfinite(point_directions(model)).all(axis=1))
        values, others = _each_and_others(model.with_points(agree), keypoint_directions(model))
        cosine = (values * others).sum(axis=1) / np.linalg.norm(others, axis=1)
        noise["angle"] = _deviation(np.arccos(cosine.clip(-1, 1))[:, None])
    return {name: values for name, values in noise.items() if np.isfinite(values).all()}


def _each_and_others(model: SfmModel, values: Array) -> tuple[Array, Array]:
    """Of values (M, D) of keypoints those (K, D) that have others of their point, and the mean of
    these; NaN where they are too few to say anything."""
    point = model.keypoint_point
    known = np.asarray((point >= 0) & np.isfinite(values).all(axis=1))
    if known.sum() < FEWEST:
        return np.full((1, values.shape[1]), np.nan), np.full((1, values.shape[1]), np.nan)
    count = np.bincount(point[known], minlength=len(model))[point]
    told = known & (count >= 2)
    each = values[told]
    others = (sums(point, values, len(model))[point[told]] - each) / (count[told, None] - 1)
    if len(each) < FEWEST:
        each = others = np.full((1, values.shape[1]), np.nan)
    return each, others


def _deviation(apart: Array) -> Array:
    """(D,) standard deviation, whatever a few are."""
    return np.asarray(NORMAL * np.median(np.abs(apart), axis=0))
