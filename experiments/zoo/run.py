"""First fixes and a drive of each kind, judged against the truth."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from bpnp_ros import Fix, Localizer, LocalizerConfig, PointMap
from bpnp_ros.keypoints.keypoints import TooFewKeypointsError
from experiments.zoo.kind import Array, Kind, Labels, Shown, report, seen
from experiments.zoo.real import RealKind

FEWEST = 4  # landmarks in view of a frame that is asked for
IN_VIEW = ((4, 5), (6, 9), (10, 10_000))
RIGHT_DEGREES = 2.0
DRIVE_SECONDS, HERTZ, WARM_UP = 10.0, 10.0, 3.0


@dataclass(frozen=True)
class Row:
    """One frame: landmarks in view, errors (infinite where there is no pose), milliseconds."""

    in_view: int
    metres: float
    degrees: float
    ms: float

    def is_right(self, metres: float) -> bool:
        return self.metres <= metres and self.degrees <= RIGHT_DEGREES

    def is_wrong(self, metres: float) -> bool:
        return bool(np.isfinite(self.metres)) and not self.is_right(metres)


def result(kind: Kind | RealKind, frames: int, seed: int) -> dict[str, object]:
    """What the table says of one kind."""
    if isinstance(kind, RealKind):
        return _recorded(kind, frames)
    localizer, world = _simulated(kind, seed)
    rows = first_fixes(kind, localizer, world, frames, seed)
    return summary(kind.right_metres, rows, rows, driven(kind, localizer, world, seed))


def _recorded(kind: RealKind, frames: int) -> dict[str, object]:
    source, shown = kind.load()
    shown = shown[:: max(len(shown) // frames, 1)]
    localizer = Localizer.from_map(source, config=_config(kind))
    rows = [judged(localizer, frame, None) for frame in shown]
    pairs = zip(rows, shown, strict=True)
    there = [row for row, frame in pairs if np.isfinite(frame.T_map_camera).all()]
    return summary(kind.right_metres, rows, there, [])


def summary(
    right: float, rows: list[Row], there: list[Row], tracked: list[Row]
) -> dict[str, object]:
    """Counts and medians; rows: all first fixes, there: those that have a pose."""
    classes = [[row for row in there if low <= row.in_view <= high] for low, high in IN_VIEW]
    errors = [row.metres for row in there if row.is_right(right)]
    return {
        "found": [sum(row.is_right(right) for row in some) for some in classes],
        "of": [len(some) for some in classes],
        "wrong": sum(row.is_wrong(right) for row in rows + tracked),
        "median_error_mm": round(1000 * float(np.median(errors)), 1) if errors else None,
        "ms": round(float(np.median([row.ms for row in rows]))),
        "driven": sum(row.is_right(right) for row in tracked),
        "driven_of": len(tracked),
    }


@dataclass(frozen=True, eq=False)
class World:
    """A map as made: landmarks (N, 3) and their classes (N,)."""

    landmarks: Array
    label: Labels


def _config(kind: Kind | RealKind) -> LocalizerConfig:
    return LocalizerConfig(**kind.told)  # type: ignore[arg-type]


def _simulated(kind: Kind, seed: int) -> tuple[Localizer, World]:
    landmarks = kind.landmarks(np.random.default_rng(seed))
    label = np.arange(len(landmarks)) * kind.classes // len(landmarks)
    cues = {"label": label.astype(np.int32)} if kind.classes > 1 else {}
    point_map = PointMap.recentred(landmarks, cues=cues)
    return Localizer.from_map(point_map, config=_config(kind)), World(landmarks, label)


def first_fixes(
    kind: Kind, localizer: Localizer, world: World, frames: int, seed: int
) -> list[Row]:
    """Frames of one map, each with at least four landmarks in view, each by itself."""
    rng = np.random.default_rng([seed, 1])
    rows = list[Row]()
    while len(rows) < frames:
        frame = _shown(kind, world, kind.pose(rng), rng, 0.0)
        if isinstance(frame, int):  # too few keypoints are left
            rows += [Row(frame, np.inf, np.inf, 0.0)] * (frame >= FEWEST)
        elif frame.in_view >= FEWEST:
            rows.append(judged(localizer, frame, None))
    return rows


def driven(kind: Kind, localizer: Localizer, world: World, seed: int) -> list[Row]:
    """The settled part of a drive; frames that show too few landmarks for any pose do not count."""
    if kind.drive is None:
        return []
    rng = np.random.default_rng([seed, 2])
    rows = list[Row]()
    for at, T in enumerate(kind.drive(round(DRIVE_SECONDS * HERTZ))):
        frame = _shown(kind, world, T, rng, at / HERTZ)
        if isinstance(frame, int):
            row = Row(frame, np.inf, np.inf, 0.0)
        else:
            row = judged(localizer, frame, frame.stamp)
        if at >= WARM_UP * HERTZ and row.in_view >= FEWEST:
            rows.append(row)
    return rows


def _shown(
    kind: Kind, world: World, T: Array, rng: np.random.Generator, stamp: float
) -> Shown | int:
    """A frame; or, where too few keypoints are left, how many landmarks are in view."""
    most = _config(kind).sight_range or np.inf
    pixels, rows = seen(world.landmarks, T, most, kind.camera)
    try:
        keypoints = report(pixels, world.label[rows], kind, rng)
    except TooFewKeypointsError:
        return len(pixels)
    return Shown(keypoints, T, len(pixels), stamp)


def judged(localizer: Localizer, frame: Shown, stamp: float | None) -> Row:
    """One answer; followed by the next when it has a stamp."""
    start = time.perf_counter()
    answer = localizer.localize(frame.keypoints, stamp=stamp)
    ms = 1000 * (time.perf_counter() - start)
    if not isinstance(answer, Fix):
        return Row(frame.in_view, np.inf, np.inf, ms)
    T = frame.T_map_camera
    if not np.isfinite(T).all():  # where nothing is right any pose is wrong
        return Row(frame.in_view, 1e9, 180.0, ms)
    metres = float(np.linalg.norm(answer.T_map_camera[:3, 3] - T[:3, 3]))
    cosine = (np.trace(answer.T_map_camera[:3, :3].T @ T[:3, :3]) - 1) / 2
    return Row(frame.in_view, metres, float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))), ms)
