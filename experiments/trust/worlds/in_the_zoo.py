"""Cases in the kinds of maps of the zoo: as told, of another such map, and tracked on its drive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise

import numpy as np

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.localizer import Localizer
from experiments.trust.worlds.case import RIGHT_METRES, Array, Case, Shot
from experiments.zoo import ground, lamps, rooms, scenes
from experiments.zoo.kind import OpenKind, heights, held
from experiments.zoo.trial import Kind, Trial

FRAMES = 200
ANOTHER = 1000  # seeds away

Shots = Callable[[Localizer, int], Iterator[Shot]]


@lru_cache(16)
def _trial(kind: Kind, seed: int) -> Trial:
    return kind.trial(FRAMES, seed)


@lru_cache(8)
def _localizer(kind: Kind, seed: int) -> Localizer:
    trial = _trial(kind, seed)
    return Localizer.from_map(trial.source, config=LocalizerConfig(**trial.told))  # type: ignore[arg-type]


def _case(name: str, group: str, kind: Kind, shots: Shots, is_told: bool = True) -> Case:
    right_metres = getattr(kind, "right_metres", RIGHT_METRES)
    return Case(name, group, lambda seed: _localizer(kind, seed), shots, right_metres, is_told)


def _as_told(kind: Kind) -> Shots:
    def shots(localizer: Localizer, seed: int) -> Iterator[Shot]:
        for frame in _trial(kind, seed).frames:
            if frame.keypoints is not None:
                yield Shot(frame.keypoints, frame.T_map_camera)

    return shots


def _of_another(kind: Kind) -> Shots:
    def shots(localizer: Localizer, seed: int) -> Iterator[Shot]:
        for frame in _trial(kind, seed + ANOTHER).frames:
            if frame.keypoints is not None:
                yield Shot(frame.keypoints, None)

    return shots


def _driven(kind: Kind) -> Shots:
    def shots(localizer: Localizer, seed: int) -> Iterator[Shot]:
        for before, now in pairwise(_trial(kind, seed).drive):
            if before.keypoints is not None and now.keypoints is not None:
                yield Shot(
                    now.keypoints, now.T_map_camera, before=(before.keypoints, before.T_map_camera)
                )

    return shots


def _row_of_lights(rng: np.random.Generator) -> Array:
    """12 lights, 2 m apart and 3 m high, exactly in line."""
    return np.column_stack([2.0 * np.arange(12), np.zeros(12), np.full(12, 3.0)])


def _under_the_row(rng: np.random.Generator) -> Array:
    position = np.array([rng.uniform(2, 18), rng.uniform(-1, 1), 1.2])
    return held("forward", rng.choice([0.0, np.pi]) + rng.normal(0, 0.2), position, rng)


ROW = OpenKind(_row_of_lights, _under_the_row, {"motion": "floor", **heights(1.2)}, 0.5)
OPEN: dict[str, dict[str, Kind]] = {
    "lamps": {**lamps.KINDS, "a straight row of lights": ROW},
    "ground": {**ground.KINDS},
    "reflectors": {**rooms.KINDS},
}


def _open_cases() -> Iterator[Case]:
    for group, kinds in OPEN.items():
        for name, kind in kinds.items():
            yield _case(name, group, kind, _as_told(kind))
            if kind is not ROW:
                elsewhere = f"{name}; the camera is elsewhere"
                yield _case(elsewhere, group, kind, _of_another(kind), is_told=False)
                yield _case(f"{name}; tracked", f"{group}, tracked", kind, _driven(kind))


def _photographs() -> Iterator[Case]:
    there = {name: kind for name, kind in scenes.KINDS.items() if kind.path.is_file()}
    others = list(there.items())[1:] + list(there.items())[:1]
    for (name, kind), (_, other) in zip(there.items(), others, strict=True):
        yield _case(name, "photographs", kind, _as_told(kind))
        elsewhere = f"{name}; the camera is elsewhere"
        yield _case(elsewhere, "photographs", kind, _of_another(other), is_told=False)


CASES = [*_open_cases(), *_photographs()]
