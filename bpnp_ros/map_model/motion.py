"""Where a camera can be, as its user knows it.

auto: photographs where the map has some, else level.
floor: a robot on a floor; height and tilt are known, x, y and heading open. level: up is known,
any heading, a range of heights. free: nothing is known. photographs: near mapping cameras.
rotation: landmarks at infinity, of which only directions are known; the camera stays at the origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import ConfigError

Array = NDArray[np.float64]

AUTO, FLOOR, LEVEL, FREE = "auto", "floor", "level", "free"
PHOTOGRAPHS, ROTATION = "photographs", "rotation"
GRAVITY = "gravity"
"""The word for a mounting that an Imu or odometry tells."""
UNLIMITED = (-1000.0, 1000.0)

# columns: the optical axes x (right), y (down), z (forward) of a camera that looks along +x, z up
FORWARD = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
_AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}
_LOOKS = {
    "forward": (0.0, 0.0, 0.0),
    "up": (0.0, -90.0, 0.0),
    "down": (0.0, 90.0, 0.0),
    "left": (0.0, 0.0, 90.0),
    "right": (0.0, 0.0, -90.0),
    "backward": (0.0, 0.0, 180.0),
}


@dataclass(frozen=True, eq=False)
class Motion:
    """up: (3,) unit, the map's upward direction. R_level_camera: (3, 3), how the camera is held in
    axes whose z is up, at heading zero. tilt: how far from that it may be, radians. heights: lowest
    and greatest coordinate of the camera along up, in the map's own frame, metres."""

    kind: str
    up: Array
    R_level_camera: Array
    tilt: float
    heights: tuple[float, float] = UNLIMITED

    @classmethod
    def level(cls, tilt: float = 0.15, heights: tuple[float, float] = UNLIMITED) -> Motion:
        """A camera that looks along the horizon of a map whose z is up."""
        return cls(LEVEL, np.array(_AXES["z"]), FORWARD, tilt, heights)

    @property
    def knows_up(self) -> bool:
        return self.kind in (FLOOR, LEVEL)

    @property
    def R_map_level(self) -> Array:
        """(3, 3): the shortest turn that carries z onto up."""
        x, y, z = self.up
        if z < -1 + 1e-9:
            return np.diag([1.0, -1.0, -1.0])
        k = np.array([[0, 0, x], [0, 0, y], [-x, -y, 0]])
        return np.eye(3) + k + k @ k / (1 + z)

    @property
    def up_in_camera(self) -> Array:
        """(3,): where up is in the camera's axes when it is held as told."""
        return self.R_level_camera[2]

    def __str__(self) -> str:
        """What is assumed, for people."""
        if not self.knows_up:
            return {FREE: "any pose", ROTATION: "a rotation alone"}.get(self.kind, self.kind)
        up = " ".join(f"{value:.3g}" for value in self.up)
        known = self.heights != UNLIMITED
        low, high = self.heights
        between = f"{low:g} to {high:g} m along up" if known else "at any height"
        return f"{self.kind}, up is {up}, tilt up to {np.degrees(self.tilt):.0f} deg, {between}"


def direction(words: str) -> Array:
    """An axis (z, -y) or a vector of three numbers as a unit vector (3,). Raises ConfigError."""
    text = words.strip().lower()
    axis = _AXES.get(text.lstrip("+-"))
    vector = np.array(axis) if axis else _numbers(text)
    length = 0.0 if vector is None else float(np.linalg.norm(vector))
    if vector is None or not 1e-6 < length < 1e9:
        raise ConfigError(f"up is '{words}'; it must be an axis (z, -y) or three numbers.")
    return vector / length * (-1.0 if text.startswith("-") and axis else 1.0)


def mounting(words: str) -> Array:
    """How a camera looks in axes x forward, y left, z up -> R_level_camera (3, 3).

    words: forward (or empty), up, down, left, right, backward, or roll, pitch and yaw in degrees
    of a camera that would look forward without them. Raises ConfigError.
    """
    if words.strip().lower() == GRAVITY:
        raise ConfigError(
            "camera_mounting is gravity, which only a node or a replay can ask an Imu or odometry "
            "for; give a direction, or roll, pitch and yaw in degrees."
        )
    angles = _LOOKS.get(words.strip().lower() or "forward")
    given = np.array(angles) if angles else _numbers(words)
    if given is None:
        raise ConfigError(
            f"camera_mounting is '{words}'; it must be one of {', '.join(_LOOKS)}, or roll, pitch "
            "and yaw in degrees."
        )
    roll, pitch, yaw = np.radians(given)
    return _turn(2, yaw) @ _turn(1, pitch) @ _turn(0, roll) @ FORWARD


def _turn(axis: int, angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    a, b = [(1, 2), (2, 0), (0, 1)][axis]
    R = np.eye(3)
    R[a, a] = R[b, b] = c
    R[a, b], R[b, a] = -s, s
    return R


def _numbers(words: str) -> Array | None:
    try:
        numbers = np.array([float(word) for word in words.replace(",", " ").split()])
    except ValueError:
        return None
    return numbers if numbers.shape == (3,) and np.isfinite(numbers).all() else None
