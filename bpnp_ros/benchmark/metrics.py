"""How far off the answers to blind PnP problems are, in units that every scene has.

Scenes from structure from motion have no metres: distances are in depths of the image, the median
over the points that it truly saw. What was not found is infinitely far off and counts everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.benchmark.sets import BlindPnpSets
from bpnp_ros.evaluation.metrics import pose_errors, quantiles

Array = NDArray[np.float64]

RIGHT_DEPTHS, RIGHT_DEGREES = 0.05, 5.0
AUC_PIXELS = (1.0, 5.0, 10.0)


@dataclass(frozen=True)
class AnswerErrors:
    """One answer: distance of the camera centres in depths, angle in degrees, and the mean
    reprojection error of the true pairs in pixels; infinite without an answer."""

    depths: float
    degrees: float
    pixels: float

    @property
    def right(self) -> bool:
        """Within 5 % of the depth and 5 degrees."""
        return self.depths <= RIGHT_DEPTHS and self.degrees <= RIGHT_DEGREES


NOT_FOUND = AnswerErrors(np.inf, np.inf, np.inf)


def answer_errors(sets: BlindPnpSets, T_map_camera: Array | None) -> AnswerErrors:
    """Errors of a pose (4, 4) in the scene's unit; None, or one that is not finite: not found."""
    if T_map_camera is None or not np.isfinite(T_map_camera).all():
        return NOT_FOUND
    errors = pose_errors(sets.T_map_camera[None], T_map_camera[None])
    return AnswerErrors(
        depths=float(errors.metres[0]) / sets.depth,
        degrees=float(errors.degrees[0]),
        pixels=mean_reprojection_error(sets, T_map_camera),
    )


def mean_reprojection_error(sets: BlindPnpSets, T_map_camera: Array) -> float:
    """Pixels, over the true pairs; infinite where a true point is not in front of the camera."""
    keypoint, point = sets.pairs
    in_camera = (sets.points[point] - T_map_camera[:3, 3]) @ T_map_camera[:3, :3]
    if not (in_camera[:, 2] > 0).all():
        return np.inf
    offset = in_camera[:, :2] / in_camera[:, 2:] - sets.keypoints[keypoint]
    return float(np.linalg.norm(offset, axis=1).mean()) / sets.frustum.pixel


def area_under_curve(errors: Array, limit: float) -> float:
    """Mean over all thresholds from 0 to `limit` of the share of errors (F,) below; 0 to 1."""
    return float(np.clip(1 - errors / limit, 0, 1).mean()) if len(errors) else float("nan")


@dataclass(frozen=True)
class Figures:
    """Over F answers. recall and auc: shares. Medians count failures as infinite."""

    answers: int
    recall: float
    auc: tuple[float, ...]
    depths: float
    degrees: float
    pixels: float

    @classmethod
    def of(cls, answers: Sequence[AnswerErrors]) -> Figures:
        """Figures of at least one answer; auc at each of AUC_PIXELS."""
        depths, degrees, pixels = (
            np.array([getattr(answer, name) for answer in answers], np.float64)
            for name in ("depths", "degrees", "pixels")
        )
        return cls(
            answers=len(answers),
            recall=float(np.mean([answer.right for answer in answers])),
            auc=tuple(area_under_curve(pixels, limit) for limit in AUC_PIXELS),
            depths=_median(depths),
            degrees=_median(degrees),
            pixels=_median(pixels),
        )


def _median(values: Array) -> float:
    return quantiles(values, (0.5,))[0]
