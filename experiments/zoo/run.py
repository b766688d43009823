"""First fixes and a drive of each kind, judged against the truth."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bpnp_ros import Fix, Localizer, LocalizerConfig, PosePrior
from experiments.zoo.kind import FEWEST
from experiments.zoo.trial import Array, Shown, Trial

IN_VIEW = ((4, 5), (6, 9), (10, 100_000))
RIGHT_DEGREES = 2.0

Ask = Callable[[Shown], Array | None]
"""T_map_camera (4, 4) of a frame, or None."""


@dataclass(frozen=True)
class Row:
    """One frame: landmarks in view, errors (infinite where there is no pose), seconds of CPU."""

    in_view: int
    metres: float
    degrees: float
    seconds: float

    def is_right(self, metres: float) -> bool:
        return self.metres <= metres and self.degrees <= RIGHT_DEGREES

    def is_wrong(self, metres: float) -> bool:
        return bool(np.isfinite(self.metres)) and not self.is_right(metres)


def result(trial: Trial) -> dict[str, object]:
    """What the table says of one kind."""
    start = time.process_time()
    config = LocalizerConfig(**trial.told)  # type: ignore[arg-type]
    localizer = Localizer.from_map(trial.source, config=config)
    usable = [frame for frame in trial.frames if frame.keypoints is not None]
    if usable and usable[0].keypoints is not None:
        localizer.prepare(usable[0].keypoints.frustum)
    started = time.process_time() - start
    rows = [judged(asked(localizer), frame) for frame in trial.frames]
    counted = summary(trial, rows, driven(localizer, trial))
    return {**counted, "start_s": round(started, 1), "landmarks": len(localizer.map_model.points)}


def asked(localizer: Localizer, follow: bool = False) -> Ask:
    """Each frame by itself, or in its turn."""

    def ask(frame: Shown) -> Array | None:
        if frame.keypoints is None:
            return None
        stamp = frame.stamp if follow else None
        answer = localizer.localize(frame.keypoints, stamp=stamp, odometry=frame.odometry)
        return answer.T_map_camera if isinstance(answer, Fix) else None

    return ask


def driven(localizer: Localizer, trial: Trial) -> list[Row]:
    """The settled part of a drive; frames that show too few landmarks for any pose do not count."""
    if not trial.drive:
        return []
    first = trial.drive[0]
    if trial.start_is_told and first.keypoints is not None:
        prior = PosePrior(first.T_map_camera, np.diag([0.3**2] * 3 + [0.1**2] * 3))
        localizer.localize(first.keypoints, stamp=first.stamp, prior=prior)
    ask = asked(localizer, follow=True)
    rows = [(frame, judged(ask, frame)) for frame in trial.drive[trial.start_is_told :]]
    return [
        row
        for frame, row in rows
        if frame.stamp >= first.stamp + trial.settled and row.in_view >= FEWEST
    ]


def judged(ask: Ask, frame: Shown) -> Row:
    """One answer."""
    start = time.process_time()
    found, T = ask(frame), frame.T_map_camera
    seconds = time.process_time() - start
    if found is None:
        return Row(frame.in_view, np.inf, np.inf, seconds)
    if not np.isfinite(T).all():  # where nothing is right any pose is wrong
        return Row(frame.in_view, 1e9, 180.0, seconds)
    metres = float(np.linalg.norm(found[:3, 3] - T[:3, 3]))
    cosine = (np.trace(found[:3, :3].T @ T[:3, :3]) - 1) / 2
    return Row(frame.in_view, metres, float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))), seconds)


def summary(trial: Trial, rows: list[Row], tracked: list[Row]) -> dict[str, object]:
    """Counts and medians; rows: all first fixes; in the recall are those that have a pose."""
    right = trial.right_metres
    pairs = zip(rows, trial.frames, strict=True)
    there = [row for row, frame in pairs if np.isfinite(frame.T_map_camera).all()]
    classes = [[row for row in there if low <= row.in_view <= high] for low, high in IN_VIEW]
    good = [row for row in there if row.is_right(right)]
    wrong = [row for row in rows if row.is_wrong(right)]
    return {
        "found": [sum(row.is_right(right) for row in some) for some in classes],
        "of": [len(some) for some in classes],
        "wrong": len(wrong),
        "wrong_driven": sum(row.is_wrong(right) for row in tracked),
        "median_error_mm": _median([1000 * row.metres for row in good]),
        "median_error_deg": _median([row.degrees for row in good]),
        "ms": _median([1000 * row.seconds for row in rows]),
        "driven": sum(row.is_right(right) for row in tracked),
        "driven_of": len(tracked),
        "driven_ms": _median([1000 * row.seconds for row in tracked]),
    }


def _median(values: list[float]) -> float | None:
    return float(f"{np.median(values):.3g}") if values else None
