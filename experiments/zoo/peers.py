"""What others find in the same frames: P3P with every landmark as a match, and a star tracker.

PoseLib's LO-RANSAC and OpenCV's RANSAC are given all pairs of a keypoint and a landmark, which is
what there is where all landmarks look alike, and as many iterations as some seconds allow. Their
answer counts where it explains half of the keypoints. cedar-solve is asked where it is installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from bpnp_ros import Keypoints
from bpnp_ros.backends import poselib
from experiments.zoo.run import Ask, judged, summary
from experiments.zoo.trial import Array, Shown, Trial

ASKED = 5  # frames of a kind
MOST_PAIRS = 20_000  # beyond which nothing but the time grows
WORK = 100_000_000  # pairs times iterations
EXPLAINED, WITHIN_PX = 0.5, 3.0
AHEAD = 0.2  # least cosine off the axis of what P3P is given
SOLVE_MS = 5000

Solve = Callable[[Array, Array, float, int], Array]
"""xy (K, 2) and points (K, 3) in pairs, threshold, iterations -> T_camera_map (3, 4)."""


def peers_of(trial: Trial) -> dict[str, dict[str, object]]:
    """A summary for each peer that can be asked."""
    if trial.told.get("motion") == "rotation":
        return {"cedar-solve": _judged(trial, _star_tracker)} if _has("tetra3") else {}
    points = trial.points
    pairs = len(points) * float(np.median([_count(frame) for frame in trial.frames]))
    if not trial.frames or pairs > MOST_PAIRS:
        return {}
    solvers = {"PoseLib, all pairs": _poselib, "OpenCV, all pairs": _opencv}
    return {name: _judged(trial, _with_all_pairs(solve, points)) for name, solve in solvers.items()}


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _count(frame: Shown) -> int:
    return 0 if frame.keypoints is None else len(frame.keypoints)


def _judged(trial: Trial, ask: Ask) -> dict[str, object]:
    frames = trial.frames if ask is _star_tracker else trial.frames[:ASKED]
    some = Trial(trial.source, trial.told, trial.right_metres, frames)
    return summary(some, [judged(ask, frame) for frame in frames], [])


def _with_all_pairs(solve: Solve, points: Array) -> Ask:
    def ask(frame: Shown) -> Array | None:
        if frame.keypoints is None:
            return None
        bearing = frame.keypoints.bearing
        bearing = bearing[bearing[:, 2] > AHEAD]
        xy = bearing[:, :2] / bearing[:, 2:]
        if len(xy) < 4:
            return None
        row, column = np.indices((len(xy), len(points))).reshape(2, -1)
        threshold = WITHIN_PX * frame.keypoints.frustum.pixel
        T = solve(xy[row], points[column], threshold, max(WORK // len(row), 1000))
        return _if_it_explains(T, xy, points, threshold)

    return ask


def _if_it_explains(T: Array, xy: Array, points: Array, threshold: float) -> Array | None:
    """T_map_camera (4, 4) of T_camera_map (3, 4) that explains enough keypoints (M, 2)."""
    in_camera = points @ T[:, :3].T + T[:, 3]
    seen = in_camera[in_camera[:, 2] > 0]
    if not len(seen) or not np.isfinite(T).all():
        return None
    apart = np.linalg.norm(xy[:, None] - seen[:, :2] / seen[:, 2:], axis=2).min(axis=1)
    found = np.linalg.inv(np.vstack([T, [0, 0, 0, 1]]))
    return found if (apart < threshold).mean() >= EXPLAINED else None


def _poselib(xy: Array, points: Array, threshold: float, iterations: int) -> Array:
    R, t = poselib.lo_ransac(xy, points, threshold, max_iterations=iterations)
    return np.column_stack([R, t])


def _opencv(xy: Array, points: Array, threshold: float, iterations: int) -> Array:
    import cv2

    good, turn, t, _ = cv2.solvePnPRansac(
        points, xy, np.eye(3), None, None, None, False, iterations, threshold, 0.999
    )
    return np.column_stack([cv2.Rodrigues(turn)[0], t]) if good else np.full((3, 4), np.nan)


@cache
def _tetra3() -> Any:
    vars(np).setdefault("math", math)  # which version 0.5.1 asks numpy for
    return importlib.import_module("tetra3").Tetra3()


def _star_tracker(frame: Shown) -> Array | None:
    """T_map_camera (4, 4) by cedar-solve, a turn alone."""
    keypoints: Keypoints | None = frame.keypoints
    if keypoints is None:
        return None
    view = keypoints.frustum
    x, y = (keypoints.xy - [view.x_min, view.y_min]).T / view.pixel
    width, height = (view.x_max - view.x_min) / view.pixel, (view.y_max - view.y_min) / view.pixel
    field = float(np.degrees(2 * np.arctan(0.5 * width * view.pixel)))
    brightest = np.argsort(-keypoints.score, kind="stable")[:30]
    found = _tetra3().solve_from_centroids(
        np.column_stack([y, x])[brightest],
        (height, width),
        fov_estimate=field,
        fov_max_error=0.1 * field,
        solve_timeout=SOLVE_MS,
    )
    if found.get("RA") is None:
        return None
    ra, dec, roll = np.radians([found["RA"], found["Dec"], found["Roll"]])
    z = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    east = np.array([-np.sin(ra), np.cos(ra), 0.0])
    north = np.cross(z, east)
    T = np.eye(4)
    T[:3, 0] = -np.sin(roll) * north - np.cos(roll) * east
    T[:3, 1] = -np.cos(roll) * north + np.sin(roll) * east
    T[:3, 2] = z
    return T
