"""One kind of map put to the test: the map, what its user tells, and frames with the truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bpnp_ros import Camera, Keypoints, PointMap

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

WARM_UP = 3.0  # seconds of a drive that do not count
ODOMETRY_SHARE = 0.02  # of the way, by which odometry errs
ODOMETRY_TURN = np.radians(0.05)  # a frame


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame. keypoints: None where too few are left. T_map_camera: (4, 4), the truth, NaN where
    the only right answer is none. in_view: landmarks. stamp: seconds. odometry: T_odom_camera."""

    keypoints: Keypoints | None
    T_map_camera: Array
    in_view: int
    stamp: float = 0.0
    odometry: Array | None = None


@dataclass(frozen=True, eq=False)
class Trial:
    """source: the map as its user has it. told: settings. right_metres: how far off a right pose
    may be. frames: each asked for by itself. drive: followed, where there is one. start: whether
    the drive's first pose is told. points: (N, 3) of the map, for peers. settled: seconds of the
    drive that do not count."""

    source: PointMap | Array
    told: dict[str, object]
    right_metres: float
    frames: list[Shown]
    drive: list[Shown] = field(default_factory=list)
    start_is_told: bool = False
    camera: Camera | None = None
    settled: float = WARM_UP

    @property
    def points(self) -> Array:
        """(N, 3) float64 in the map's frame."""
        return self.source.in_map_frame if isinstance(self.source, PointMap) else self.source


class Kind(Protocol):
    """Makes a trial of `frames` first fixes from a seed."""

    def trial(self, frames: int, seed: int) -> Trial: ...

    def __hash__(self) -> int: ...


def reckoned(poses: Array, rng: np.random.Generator) -> list[Array]:
    """T_odom_camera (4, 4) of a drive's poses (F, 4, 4): each step errs, and the errors add up."""
    here, found = np.eye(4), [np.eye(4)]
    for before, now in pairwise(poses):
        step = np.linalg.inv(before) @ now
        slip = np.linalg.norm(step[:3, 3]) * ODOMETRY_SHARE * rng.normal(size=3)
        turn = ODOMETRY_TURN * rng.normal(size=3)
        error = np.eye(4)
        error[:3, :3] += np.cross(np.eye(3), -turn)
        error[:3, 3] = slip
        here = here @ step @ error
        u, _, vt = np.linalg.svd(here[:3, :3])
        here[:3, :3] = u @ vt
        found.append(here)
    return found
