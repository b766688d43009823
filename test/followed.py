"""Cameras that are followed, in halls and in places that look alike."""

from __future__ import annotations

import numpy as np
import torch
from halls import (
    CONFIG,
    closed_hall,
    frame_at,
    frame_of,
    judged,
    standing,
)
from landmarks import Array, report

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.tracker import Tracker
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.from_points import model_from_points
from bpnp_ros.map_model.map_model import MapModel

HERE = standing(9, 6, 0.4)


def moved(T: np.ndarray, v: tuple[float, ...], w: tuple[float, ...] = (0, 0, 0)) -> np.ndarray:
    """A pose moved by v metres and turned by w radians in its own frame."""
    step = np.eye(4)
    step[:3, :3] = so3_exp(torch.tensor(w, dtype=torch.float64)).numpy()
    step[:3, 3] = v
    return T @ step


def fix_at(T: np.ndarray, seed: int = 0) -> Fix:
    answer = judged(closed_hall(), [T], frame_at(T, np.random.default_rng(seed)))
    assert isinstance(answer, Fix)
    return answer


def following(model: MapModel, config: LocalizerConfig = CONFIG, clutter: float = 0.0) -> Tracker:
    """A tracker that saw the camera stand here at 0.0 s and at 0.1 s."""
    tracker = Tracker(model, config)
    frame = frame_at(HERE, np.random.default_rng(0), clutter=clutter)
    for stamp in (0.0, 0.1):
        tracker.follow(fix_at(HERE), frame, stamp)
    return tracker


def judged_fix(model: MapModel, frame: Frame, pose: Array = HERE) -> Fix:
    answer = judged(model, [pose], frame)
    assert isinstance(answer, Fix)
    return answer


def twin_halls() -> tuple[MapModel, Array]:
    """Two halls side by side whose landmarks are placed alike, but for a fifth; metres between."""
    rng = np.random.default_rng(5)
    hall = rng.uniform((0, 0, 0), (8, 6, 3.5), (45, 3))
    differs = rng.random(len(hall)) < 0.2
    twin = np.where(differs[:, None], rng.uniform((0, 0, 0), (8, 6, 3.5), hall.shape), hall)
    way = np.array([30.0, 0, 0])
    points = np.concatenate([hall, twin + way])
    return model_from_points(points, CONFIG, torch.device("cpu")), points


def shown(points: Array, T: Array, seed: int) -> Frame:
    """What a camera reports of points (N, 3)."""
    return frame_of(report(points, T, np.random.default_rng(seed), missed=0.1, clutter=0.2))
