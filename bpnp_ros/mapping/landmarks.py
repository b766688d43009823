"""From lights to landmarks: tracks place points, points claim lights, doubtful ones are left out.

A light that moves, or a reflection that wanders, meets no point with most of its rays; one that
does by chance is missing from most of the frames that should show it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from bpnp_ros.errors import MapError
from bpnp_ros.mapping.sightings import Array, Integers, Sightings, gaps, unit
from bpnp_ros.mapping.tracks import followed
from bpnp_ros.mapping.triangulation import Placed, least_squares, meeting_point

FEWEST = 5  # frames that show a landmark
ROUNDS = 4
GATE, SIGMAS = 4.0, 4.0  # pixels, standard deviations: within which a light may be a point's
SAME = 3.0  # pixels: what lies closer together is one landmark
LEAST_SHARE = 0.25  # of the frames that should show a landmark
MOST_DEVIATION = 0.008  # of the distance it was seen from
REACH = 1.2  # times the farthest that it was seen from: so far it should be
MOST_LANDMARKS = 50_000


@dataclass(frozen=True, eq=False)
class Landmarks:
    """points: (N, 3) in the map. deviation: metres (N,), standard deviation in the worst direction.
    observations: frames (N,). share: (N,) of the frames that should have shown it. cues: columns
    (N,): `size` (m), `intensity`, `label`. residual: (K,) pixels between a light and its landmark,
    NaN without one. left_out: how many, by reason."""

    points: Array
    deviation: Array
    observations: Integers
    share: Array
    cues: dict[str, Array]
    residual: Array
    left_out: dict[str, int]

    def __len__(self) -> int:
        return len(self.points)


def find_landmarks(sightings: Sightings) -> Landmarks:
    """Raises MapError where nothing can be placed, with the reason."""
    track = followed(sightings)
    points = _points_of_tracks(sightings, track)
    if not len(points):
        raise MapError(_why_none(sightings))
    reach = np.full(len(points), np.inf)
    gate = GATE * sightings.pixel
    left_out: Counter[str] = Counter()
    for _ in range(ROUNDS):
        owner = _claimed(sightings, points, reach, gate)
        placed = least_squares(sightings, owner, points)
        gate = max(SIGMAS * placed.sigma, sightings.pixel)
        seen = _Seen.of(sightings, owner, placed, gate)
        kept = _kept(sightings, owner, placed, seen, left_out)
        points, reach = placed.points[kept], REACH * seen.farthest[kept]
        if not len(points):
            raise MapError(_why_none(sightings))
    left_out["fit no fixed place"] = _homeless(track, owner, kept)
    return _landmarks(sightings, owner, placed, seen, kept, left_out)


def _points_of_tracks(sightings: Sightings, track: Integers) -> Array:
    rng, frame = np.random.default_rng(0), sightings.frame
    order = np.argsort(track, kind="stable")
    pieces = np.split(order, np.flatnonzero(np.diff(track[order])) + 1)
    found = [
        meeting_point(sightings.positions[frame[rows]], sightings.ray[rows], sightings.pixel, rng)
        for rows in pieces
        if len(rows) >= FEWEST
    ]
    points = np.array([point for point in found if point is not None]).reshape(-1, 3)
    if len(points) > MOST_LANDMARKS:
        raise MapError(
            f"{len(points)} lights could be placed, more than {MOST_LANDMARKS}: are these lamps? "
            "Raise light_threshold, or take keypoints that are fewer."
        )
    return points


def _claimed(sightings: Sightings, points: Array, reach: Array, gate: float) -> Integers:
    """The point (K,) of each light: the nearest in the image to which it is nearest too."""
    owner = np.full(len(sightings), -1, np.int64)
    for frame, rows in sightings.frames():
        away = points - sightings.positions[frame]
        near = np.flatnonzero(np.linalg.norm(away, axis=1) < reach)
        if not len(near) or rows.start == rows.stop:
            continue
        apart = gaps(unit(away[near]), sightings.ray[rows])
        best, best_point = apart.argmin(axis=1), apart.argmin(axis=0)
        mutual = (best_point[best] == np.arange(len(near))) & (apart.min(axis=1) < gate)
        owner[rows.start + best[mutual]] = near[mutual]
    return owner


@dataclass(frozen=True, eq=False)
class _Seen:
    """By point (N,): frames that show it, frames that should, and from how far it was seen."""

    observations: Integers
    expected: Integers
    median: Array
    farthest: Array

    @classmethod
    def of(cls, sightings: Sightings, owner: Integers, placed: Placed, gate: float) -> _Seen:
        count, frame = len(placed.points), sightings.frame
        rows = np.flatnonzero((owner >= 0) & (np.nan_to_num(placed.error, nan=np.inf) < gate))
        away = placed.points[owner[rows]] - sightings.positions[frame[rows]]
        distance = np.linalg.norm(away, axis=1)
        observations = np.bincount(owner[rows], minlength=count)
        farthest = np.zeros(count)
        np.maximum.at(farthest, owner[rows], distance)
        expected = np.zeros(count, np.int64)
        for number, position in enumerate(sightings.positions):
            near = np.linalg.norm(placed.points - position, axis=1) <= REACH * farthest
            expected[near] += sightings.in_view(number, placed.points[near])
        median = np.bincount(owner[rows], distance, count) / observations.clip(1)
        return cls(observations, np.maximum(expected, observations), median, farthest)


def _kept(
    sightings: Sightings, owner: Integers, placed: Placed, seen: _Seen, left_out: Counter[str]
) -> Integers:
    """Rows of the points that are landmarks; how many are not is added to `left_out`."""
    share = seen.observations / seen.expected.clip(1)
    reasons = {
        "seen too few times": seen.observations < FEWEST,
        "placed too uncertainly": placed.deviation > MOST_DEVIATION * seen.median,
        "missing where they should be seen": share < LEAST_SHARE,
    }
    good = np.ones(len(placed.points), bool)
    for reason, bad in reasons.items():
        left_out[reason] += int((good & bad).sum())
        good &= ~bad
    rows = np.flatnonzero(good)
    single = _single(placed, seen, rows, SAME * sightings.pixel)
    left_out["seen twice"] += len(rows) - len(single)
    alone = _alone(sightings, owner, placed, seen, single)
    left_out["two lights in one"] += len(single) - len(alone)
    return alone


def _single(placed: Placed, seen: _Seen, rows: Integers, same: float) -> Integers:
    """Of points closer together than can be told apart, the one seen most often."""
    kept: list[int] = []
    for row in rows[np.argsort(-seen.observations[rows], kind="stable")]:
        apart = np.linalg.norm(placed.points[kept] - placed.points[row], axis=1)
        alike = np.maximum(
            same * seen.median[row], 3 * np.hypot(placed.deviation[kept], placed.deviation[row])
        )
        if not (apart < alike).any():
            kept.append(int(row))
    return np.sort(np.array(kept, np.int64))


def _alone(
    sightings: Sightings, owner: Integers, placed: Placed, seen: _Seen, rows: Integers
) -> Integers:
    """Rows of points without those in whose lights another point, seen more often, lies mostly."""
    size = sightings.cues.get("size", np.full(len(sightings), SAME * sightings.pixel))
    covered = np.zeros(len(placed.points))
    for frame, lights in sightings.frames():
        here = np.flatnonzero(np.isin(owner[lights], rows)) + lights.start
        mine = owner[here]
        apart = gaps(unit(placed.points[rows] - sightings.positions[frame]), sightings.ray[here])
        oftener = seen.observations[rows][:, None] > seen.observations[mine]
        covered[mine] += ((apart < np.nan_to_num(size[here])) & oftener).any(axis=0)
    return rows[covered[rows] <= 0.5 * seen.observations[rows]]


def _homeless(track: Integers, owner: Integers, kept: Integers) -> int:
    """Tracks worth a landmark most of whose lights belong to none."""
    length = np.bincount(track)
    at_home = np.bincount(track, np.isin(owner, kept))
    return int(((length >= FEWEST) & (at_home < 0.5 * length)).sum())


def _landmarks(
    sightings: Sightings,
    owner: Integers,
    placed: Placed,
    seen: _Seen,
    kept: Integers,
    left_out: Counter[str],
) -> Landmarks:
    number = np.full(len(placed.points) + 1, -1)
    number[kept] = np.arange(len(kept))
    mine = number[owner]
    distance = seen.median[kept]
    cues = {
        name: _typical(name, column, mine, len(kept)) for name, column in sightings.cues.items()
    }
    if "size" in cues:
        cues["size"] = cues["size"] * distance
    return Landmarks(
        placed.points[kept],
        placed.deviation[kept],
        seen.observations[kept],
        seen.observations[kept] / seen.expected[kept],
        cues,
        np.where(mine >= 0, placed.error / sightings.pixel, np.nan),
        {reason: count for reason, count in left_out.items() if count},
    )


def _typical(name: str, column: Array, owner: Integers, count: int) -> Array:
    """The median, or of labels the most frequent, of each landmark's known values (count,)."""
    values = np.full(count, np.nan)
    known = np.flatnonzero((owner >= 0) & np.isfinite(column))
    order = known[np.argsort(owner[known], kind="stable")]
    if not len(order):
        return values
    for rows in np.split(order, np.flatnonzero(np.diff(owner[order])) + 1):
        if name == "label":
            kinds, times = np.unique(column[rows], return_counts=True)
            values[owner[rows[0]]] = kinds[times.argmax()]
        else:
            values[owner[rows[0]]] = np.median(column[rows])
    return values


def _why_none(sightings: Sightings) -> str:
    way = float(np.ptp(sightings.positions, axis=0).max(initial=0.0))
    if way < 1e-3:
        return "the camera does not move, so nothing can be triangulated; record a drive."
    return (
        f"no landmark could be placed from {len(sightings)} lights in "
        f"{len(sightings.T_map_camera)} frames over {way:.1f} m; are the poses of this camera "
        "(--poses-child), in one clock with its images (--time-offset), and is it calibrated?"
    )
