"""Lights followed from frame to frame: each goes on in the light nearest to where it should be.

Poses are known, so only the distance of a light is not: at first it is the one that explains most
of what lies side by side in the recording, later the light's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpnp_ros.mapping.sightings import Array, Integers, Sightings, gaps, unit

SLACK = 4.0  # pixels by which a light may miss its line
WRONG_BY = 0.5  # share of the way in the image that a distance nobody knows may make wrong
PATIENCE = 5  # frames in which a light may be missed
PAIRS, DISTANCES = 100, 60  # of frames that are asked, of values that are tried
PARALLAX = 8.0  # pixels from which on a light's own distance is believed


@dataclass
class _Track:
    """first, last: rows. nearness: 1 / distance, 1/m, at the last; None while nobody knows."""

    name: int
    first: int
    last: int
    nearness: float | None = None


def followed(sightings: Sightings) -> Integers:
    """The track of each light (K,): 0, 1, ... in the order of their beginnings."""
    track = np.full(len(sightings), -1, np.int64)
    usual, frame_of = _usual_nearness(sightings), sightings.frame
    alive: list[_Track] = []
    begun = 0
    for frame, rows in sightings.frames():
        alive = [t for t in alive if frame - frame_of[t.last] <= PATIENCE]
        taken = _continued(sightings, frame_of, alive, frame, rows, usual)
        for old, row in taken:
            alive[old].last, track[row] = row, alive[old].name
            _learn(alive[old], sightings, frame_of)
        for row in range(rows.start, rows.stop):
            if track[row] < 0:
                alive.append(_Track(begun, row, row))
                track[row] = begun
                begun += 1
    return track


def _continued(
    sightings: Sightings,
    frame_of: Integers,
    alive: list[_Track],
    frame: int,
    rows: slice,
    usual: float,
) -> list[tuple[int, int]]:
    """Pairs of a living track and the row of this frame that goes on with it."""
    rays = sightings.ray[rows]
    if not alive or not len(rays):
        return []
    last = np.array([t.last for t in alive])
    nearness = np.array([usual if t.nearness is None else t.nearness for t in alive])
    known = np.array([t.nearness is not None for t in alive])
    way = sightings.positions[frame_of[last]] - sightings.positions[frame]
    expected = unit(sightings.ray[last] + way * nearness[:, None])
    apart = gaps(expected, rays)
    shift = np.linalg.norm(way, axis=1) * nearness
    slack = SLACK * sightings.pixel
    gate = slack + np.where(known, 0.1, WRONG_BY) * shift
    off_line = _off_line(sightings.ray[last], way, rays)
    apart[(apart > gate[:, None]) | (off_line > slack)] = np.inf
    best, best_track = apart.argmin(axis=1), apart.argmin(axis=0)
    mutual = best_track[best] == np.arange(len(alive))
    good = np.flatnonzero(mutual & np.isfinite(apart.min(axis=1)))
    return [(int(old), rows.start + int(best[old])) for old in good]


def _off_line(ray: Array, way: Array, rays: Array) -> Array:
    """How far rays (M, 3) lie beside the lines on which lights at `ray` (A, 3) move along `way`
    (A, 3), radians -> (A, M)."""
    normal = np.cross(ray, way)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    steady = length[:, 0] < 1e-9
    normal = np.where(steady[:, None], 0.0, normal / np.maximum(length, 1e-12))
    return np.asarray(np.abs(normal @ rays.T))


def _learn(track: _Track, sightings: Sightings, frame_of: Integers) -> None:
    """The distance from the track's last place, from there and its first."""
    a, b = sightings.ray[track.first], sightings.ray[track.last]
    cosine = float(a @ b)
    sine_squared = 1 - cosine**2
    if sine_squared < (PARALLAX * sightings.pixel) ** 2:
        return
    first, last = sightings.positions[frame_of[[track.first, track.last]]]
    base = last - first
    distance = float(cosine * (base @ a) - base @ b) / sine_squared
    if distance > 0:
        track.nearness = 1 / distance


def _usual_nearness(sightings: Sightings) -> float:
    """1 / distance with which most lights of a frame have one of the next where they should be."""
    way = np.diff(sightings.positions, axis=0)
    step = np.linalg.norm(way, axis=1)
    both = (np.diff(sightings.ends)[:-1] > 0) & (np.diff(sightings.ends)[1:] > 0)
    moved = np.flatnonzero(both & (step > 0))
    if not len(moved):
        return 0.0
    moved = moved[step[moved] >= np.median(step[moved])]
    asked = moved[:: -(-len(moved) // PAIRS)]
    tried = np.geomspace(1e-3, 1.0, DISTANCES) / np.median(step[asked])
    found = np.zeros(DISTANCES)
    for frame in asked:
        here, there = (slice(*sightings.ends[f : f + 2]) for f in (frame, frame + 1))
        moves = -way[frame] * tried[:, None, None]
        expected = unit(sightings.ray[here] + moves).reshape(-1, 3)
        near = gaps(expected, sightings.ray[there]).min(axis=1) < SLACK * sightings.pixel
        found += near.reshape(DISTANCES, -1).sum(axis=1)
    return float(tried[int(found.argmax())])
