"""One walk, every answer judged against the truth."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field

import numpy as np

from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.tracker import TRACKER
from bpnp_ros.localizer.types import Fix, Rejection
from experiments.trust.worlds.buildings import CAMERA
from experiments.walks.script import FRAMES, HERTZ, Script
from experiments.walks.worlds import place
from experiments.zoo.kind import Array

WRONG_METRES, WRONG_DEGREES, HALF_WAY_METRES = 0.5, 5.0, 0.1
CLAIMED = 4.0  # sigmas
DRIFT = 0.02  # of odometry, a share of the way
LEAST_KEYPOINTS = 3


@dataclass
class Outcome:
    """Counts over frames. bad: those off by more than HALF_WAY_METRES, in words and numbers."""

    frames: int = 0
    fixes: int = 0
    tracked: int = 0
    wrong: int = 0
    wrong_tracked: int = 0
    half_way: int = 0
    unclaimed: int = 0
    tracked_ms: float = 0.0
    bad: list[dict[str, object]] = field(default_factory=list)


def walked(world: str, seed: int, walk: int) -> dict[str, object]:
    """The outcome of one walk; every other one has odometry, which drifts."""
    rng = np.random.default_rng([seed, walk])
    here = place(world, seed)
    script = Script.of(rng)
    path = here.path(script, rng)
    odometry = _reckoned(path, script.kidnap, rng) if walk % 2 else None
    here.localizer.reset()
    outcome = Outcome()
    for frame in range(FRAMES):
        pixels = script.reported(frame, here.see(path[frame], rng), CAMERA, rng)
        told = None if odometry is None else odometry[frame]
        start = time.process_time()
        answer = _answer(here.localizer, pixels, frame / HERTZ, told)
        _count(outcome, answer, path[frame], 1000 * (time.process_time() - start), frame, script)
    return asdict(outcome)


def _answer(
    localizer: Localizer, pixels: Array, stamp: float, odometry: Array | None
) -> Fix | Rejection:
    return localizer.localize(pixels, CAMERA, stamp=stamp, odometry=odometry)


def _reckoned(path: Array, kidnap: int, rng: np.random.Generator) -> Array:
    """The path (F, 4, 4) as wheels have it: not where the camera was carried."""
    T = np.eye(4)
    poses = [T]
    for frame in range(1, len(path)):
        step = np.linalg.inv(path[frame - 1]) @ path[frame]
        step[:3, 3] *= 1 + rng.normal(0, DRIFT)
        T = T if frame == kidnap else T @ step
        poses.append(T)
    return np.stack(poses)


def _count(
    outcome: Outcome, answer: Fix | Rejection, truth: Array, ms: float, frame: int, script: Script
) -> None:
    outcome.frames += 1
    if not isinstance(answer, Fix):
        return
    tracked = answer.proposer == TRACKER
    outcome.fixes += 1
    outcome.tracked += tracked
    outcome.tracked_ms += ms * tracked
    off = answer.T_map_camera[:3, 3] - truth[:3, 3]
    metres = float(np.linalg.norm(off))
    cosine = (np.trace(answer.T_map_camera[:3, :3].T @ truth[:3, :3]) - 1) / 2
    degrees = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    wrong = metres > WRONG_METRES or degrees > WRONG_DEGREES
    sigmas = float(np.sqrt(off @ np.linalg.solve(answer.covariance[:3, :3], off)))
    half_way = not wrong and metres > HALF_WAY_METRES
    outcome.wrong += wrong
    outcome.wrong_tracked += wrong and tracked
    outcome.half_way += half_way
    outcome.unclaimed += half_way and sigmas > CLAIMED
    if wrong or half_way:
        numbers = {"metres": metres, "degrees": degrees, "sigmas": sigmas}
        numbers |= {"nats": answer.log_likelihood_ratio, "inliers": answer.inliers}
        words = {"frame": frame, "event": script.event[frame], "kidnap": script.kidnap}
        rounded = {name: round(value, 2) for name, value in numbers.items()}
        outcome.bad.append({**words, "proposer": answer.proposer, **rounded})
