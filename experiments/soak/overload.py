"""A soak of a machine that is too slow, in time that is reckoned: so it is the same everywhere.

The localiser really works; how long that takes is made up, and what comes meanwhile waits, as in a
node, and is dropped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.geometry.camera import Camera
from bpnp_ros.live.node_link import FoundPose
from bpnp_ros.localizer.localizer import TRACKING, Localizer
from bpnp_ros.localizer.tracker import TRACKER
from bpnp_ros.localizer.types import Fix, Rejection
from bpnp_ros.runtime.conversions import nanoseconds
from bpnp_ros.runtime.scheduling.backlog import Backlog
from experiments.soak.figures import Array, Soak, resident_megabytes

SECOND = 1_000_000_000
VARIES = 0.5  # of what an answer costs, to either side
SMOOTHING = 0.3


@dataclass(frozen=True)
class Costs:
    """Seconds of an answer."""

    tracked: float
    searched: float


def overloaded(
    localizer: Localizer,
    camera: Camera,
    shown: Iterator[tuple[Array, NDArray[np.float32]]],
    costs: Costs,
    rate: float = 30.0,
) -> Soak:
    """What becomes of frames, T_map_camera (4, 4) and keypoints (M, 3), `rate` a second."""
    soak, backlog, rng = Soak(), Backlog(), np.random.default_rng(0)
    arriving, now, pace, last = _arriving(soak, shown, rate), 1.0, 0.0, 0
    message = next(arriving, None)
    while message is not None or len(backlog):
        if message is not None and not len(backlog):
            now = max(now, message.at)
        while message is not None and message.at <= now:
            backlog.push(message)
            message = next(arriving, None)
        following = localizer.state == TRACKING
        taken: Any = backlog.pop_after(last, pace) if following else backlog.pop_latest()
        last = nanoseconds(taken.header.stamp)
        answer = localizer.localize(taken.pixels, camera, stamp=last / SECOND)
        cost = _cost(answer, costs) * rng.uniform(1 - VARIES, 1 + VARIES)
        now += cost
        soak.answered += 1
        soak.memory.append((now, resident_megabytes(os.getpid())))
        if isinstance(answer, Fix):
            soak.poses.append(FoundPose(last, answer.T_map_camera, now))
            if answer.proposer == TRACKER:
                pace += SMOOTHING * (cost - pace)
    return soak


def _arriving(
    soak: Soak, shown: Iterator[tuple[Array, NDArray[np.float32]]], rate: float
) -> Iterator[Any]:
    for number, (T, keypoints) in enumerate(shown):
        at = 1 + number / rate
        stamp = round(at * SECOND)
        soak.truth[stamp], soak.sent_at[stamp] = T, at
        time = SimpleNamespace(sec=stamp // SECOND, nanosec=stamp % SECOND)
        header = SimpleNamespace(stamp=time)
        yield SimpleNamespace(header=header, at=at, pixels=keypoints[:, :2].astype(np.float64))


def _cost(answer: Fix | Rejection, costs: Costs) -> float:
    """By what the localiser has really done."""
    stages = set(answer.timings) - {"self_checks"}
    if not stages:
        return 0.0
    return costs.tracked if stages == {"track"} else costs.searched
