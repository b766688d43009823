"""How a camera comes from one frame to another: by odometry, else as it moved before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.backends.opencv import angle_axis, rotation
from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.transform import invert
from bpnp_ros.localizer.candidates import apart_each

Pose = NDArray[np.float64]

# standard deviations of what is reckoned: in depths and radians, and relative to the way
SLACK_DEPTHS, SLACK_RADIANS, DRIFT = 0.02, 0.01, 0.1
CHANGE, UNKNOWN = 0.2, 0.5  # of the greatest speed: how much motion changes, or may be at all
# the greatest speed where nobody tells it: depths a second, also before any was seen, and times
# what was seen
BRISK, UNSEEN, FASTER = 1.0, 3.0, 2.0


def fastest(config: LocalizerConfig, depth: float, seen: float | None) -> float:
    """How fast the camera may move, m/s: as its user says, else by how fast it has been.

    depth: of what it sees, metres. seen: its speed before, m/s; None: not known.
    """
    if config.max_speed > 0:
        return config.max_speed
    return UNSEEN * depth if seen is None else max(BRISK * depth, FASTER * seen)


@dataclass(frozen=True, eq=False)
class Step:
    """T_before_now: (4, 4) float64 of the camera. metres, radians: standard deviations of it.

    is_guess: nobody has told how the camera came.
    """

    T_before_now: Pose
    metres: float
    radians: float
    is_guess: bool = False

    @classmethod
    def reckoned(cls, T_before_now: Pose, depth: float) -> Step:
        """By odometry, or by what the camera itself has seen. depth: of what it sees, metres."""
        way, turn = lengths(T_before_now)
        return cls(T_before_now, SLACK_DEPTHS * depth + DRIFT * way, SLACK_RADIANS + DRIFT * turn)

    @classmethod
    def told(
        cls,
        before: Pose | None,
        now: Pose | None,
        elapsed: float,
        depth: float,
        config: LocalizerConfig,
        seen: float | None = None,
    ) -> Step | None:
        """By odometry, T_odom_camera (4, 4) before and now, so many seconds apart.

        seen: as in `fastest`. None where there is no odometry, or where it has jumped further than
        a camera can move.
        """
        if before is None or now is None:
            return None
        step = cls.reckoned(np.linalg.inv(before) @ now, depth)
        way, turn = lengths(step.T_before_now)
        can_be = way <= fastest(config, depth, seen) * elapsed + step.metres
        can_be &= turn <= config.max_turn_rate * elapsed + step.radians
        return step if can_be else None

    @classmethod
    def guessed(
        cls, velocity: Pose | None, elapsed: float, depth: float, config: LocalizerConfig
    ) -> Step:
        """As the camera moved before, at (6,) m/s and rad/s; None where nobody knows."""
        before = np.zeros(6) if velocity is None else velocity
        speed = fastest(config, depth, speed_of(velocity))
        step = cls.reckoned(from_twist(before * elapsed), depth)
        change = elapsed * (UNKNOWN if velocity is None else CHANGE)
        metres = step.metres + change * speed
        radians = step.radians + change * config.max_turn_rate
        return cls(step.T_before_now, metres, radians, is_guess=True)

    @property
    def back(self) -> Step:
        T_now_before: Pose = np.linalg.inv(self.T_before_now).astype(np.float64)
        return Step(T_now_before, self.metres, self.radians)

    def carry(self, T_map_camera: Tensor) -> Tensor:
        """Poses (P, 4, 4) before -> now."""
        return T_map_camera @ torch.from_numpy(self.T_before_now).to(T_map_camera)

    def nats(self, T_expected: Tensor, T_found: Tensor) -> Tensor:
        """Log-likelihood (P,) of poses (P, 4, 4) that were expected elsewhere; at most 0."""
        metres, radians = apart_each(T_expected, T_found)
        return -0.5 * ((metres / self.metres).square() + (radians / self.radians).square())


def speed_of(velocity: Pose | None) -> float | None:
    """m/s of a camera that moves at (6,) m/s and rad/s; None where that is not known."""
    return None if velocity is None else float(np.linalg.norm(velocity[:3]))


def lengths(T: Pose) -> tuple[float, float]:
    """How far a transform (4, 4) leads, metres, and turns, radians."""
    v = twist(T)
    return float(np.linalg.norm(v[:3])), float(np.linalg.norm(v[3:]))


def twist(T: Pose) -> Pose:
    """Translation and angle-axis of a transform, (6,)."""
    return np.concatenate([T[:3, 3], angle_axis(T[:3, :3])])


def from_twist(step: Pose) -> Pose:
    """The transform (4, 4) of a translation and an angle-axis, (6,)."""
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = rotation(step[3:]), step[:3]
    return T


def moved_by(T_before: Tensor, T_now: Tensor) -> Pose:
    """T_before_now (4, 4) float64 of two poses (4, 4) in the map."""
    T: Pose = (invert(T_before.double()) @ T_now.double()).cpu().numpy()
    return T
