"""The figures of a replay: pure functions over its answers and the truth. Failures count."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.evaluation.metrics import (
    PoseErrors,
    Tolerance,
    are_known,
    for_json,
    pose_errors,
    quantiles,
    recall,
)
from bpnp_ros.evaluation.trajectory import NANOSECONDS
from bpnp_ros.evaluation.trajectory_errors import (
    absolute_error,
    relative_error,
    within_two_sigma,
)
from bpnp_ros.localizer.types import Fix, Rejection

Array = NDArray[np.float64]

TOLERANCES = (Tolerance(0.25, 2.0), Tolerance(0.5, 5.0), Tolerance(5.0, 10.0))
NOT_FALSE = Tolerance(0.5, 5.0)
QUARTILES = ("first_quartile", "median", "third_quartile")
DIGITS = 6  # of figures in JSON


@dataclass(frozen=True, eq=False)
class ReplayRecord:
    """What was answered to F messages. truth: T_map_camera (F, 4, 4), NaN where not known."""

    stamps_ns: NDArray[np.int64]
    truth: Array
    answers: Sequence[Fix | Rejection]

    def __len__(self) -> int:
        return len(self.answers)

    @property
    def has_truth(self) -> NDArray[np.bool_]:
        """Messages whose true pose is known (F,)."""
        return are_known(self.truth)

    @property
    def is_fix(self) -> NDArray[np.bool_]:
        """Messages that were answered by a pose (F,)."""
        return np.array([isinstance(answer, Fix) for answer in self.answers], bool)

    @property
    def fixes(self) -> list[Fix]:
        return [answer for answer in self.answers if isinstance(answer, Fix)]

    @property
    def found(self) -> Array:
        """T_map_camera (F, 4, 4), NaN where there was no answer."""
        poses = np.full((len(self), 4, 4), np.nan)
        if self.fixes:
            poses[self.is_fix] = [fix.T_map_camera for fix in self.fixes]
        return poses

    @property
    def seconds(self) -> Array:
        """Since the first message (F,)."""
        return (self.stamps_ns - self.stamps_ns[:1]) / NANOSECONDS

    def errors(self) -> PoseErrors:
        """Of all messages (F,): infinite without a pose or without a truth."""
        return pose_errors(self.truth, self.found)


def summary(record: ReplayRecord, metric: bool) -> dict[str, Any]:
    """All figures, ready for JSON: infinite, unknown and undefined are null. `metric`: whether
    the map's unit is a metre; without, recall and false poses mean nothing."""
    rejections = Counter(a.category.value for a in record.answers if isinstance(a, Rejection))
    proposers = Counter(fix.proposer for fix in record.fixes)
    figures = {
        "messages": len(record),
        "fixes": len(record.fixes),
        "share_localised": _share(record.is_fix),
        "first_fix_s": _first(record, record.is_fix),
        "rejections": dict(sorted(rejections.items())),
        "proposers": dict(sorted(proposers.items())),
    }
    known = record.has_truth
    if known.any():
        figures |= {"against_truth": _against_truth(record, known, metric)}
    return for_json(figures, DIGITS)


def _against_truth(record: ReplayRecord, known: NDArray[np.bool_], metric: bool) -> dict[str, Any]:
    errors = record.errors()
    judged, of_fixes = errors[known], errors[known & record.is_fix]
    figures: dict[str, Any] = {
        "messages": len(judged),
        "unit": "m" if metric else "map unit",
        "position": quartiles(judged.metres),
        "rotation_deg": quartiles(judged.degrees),
        "position_of_fixes": quartiles(of_fixes.metres),
        "rotation_of_fixes_deg": quartiles(of_fixes.degrees),
        **_of_trajectory(record, known),
    }
    if metric:
        false = ~of_fixes.within(NOT_FALSE)
        figures |= {
            "recall": {str(tolerance): recall(judged, tolerance) for tolerance in TOLERANCES},
            "first_true_fix_s": _first(record, errors.within(NOT_FALSE)),
            "false_poses": int(false.sum()),
            "false_share_of_fixes": _share(false),
        }
    return figures


def _of_trajectory(record: ReplayRecord, known: NDArray[np.bool_]) -> dict[str, Any]:
    """Of the poses found; no alignment."""
    both = known & record.is_fix
    truth, found = record.truth[both], record.found[both]
    covariance = np.array(
        [
            fix.covariance
            for fix, kept in zip(record.fixes, known[record.is_fix], strict=True)
            if kept
        ]
    ).reshape(-1, 6, 6)
    translation, rotation = relative_error(truth, found)
    position_share, rotation_share = within_two_sigma(truth, found, covariance)
    return {
        "absolute_error": absolute_error(truth, found),
        "relative_error": translation,
        "relative_error_deg": rotation,
        "within_2_sigma": {"position": position_share, "rotation": rotation_share},
    }


def latency_summary(seconds: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    """p50 and p95 of each stage in milliseconds, over the messages that went through it."""
    stages = dict.fromkeys(stage for message in seconds for stage in message)
    figures = {}
    for stage in stages:
        values = np.array([1e3 * message[stage] for message in seconds if stage in message])
        p50, p95 = quantiles(values, (0.5, 0.95))
        figures[stage] = {"messages": len(values), "p50_ms": p50, "p95_ms": p95}
    return for_json(figures, DIGITS)


def quartiles(values: Array) -> dict[str, float]:
    """Of (F,) values, by name."""
    return dict(zip(QUARTILES, quantiles(values), strict=True))


def _first(record: ReplayRecord, which: NDArray[np.bool_]) -> float:
    """Seconds from the first message to the first of `which`; infinite without one."""
    rows = np.flatnonzero(which)
    return float(record.seconds[rows[0]]) if len(rows) else math.inf


def _share(which: NDArray[np.bool_]) -> float:
    return float(which.mean()) if len(which) else math.nan
