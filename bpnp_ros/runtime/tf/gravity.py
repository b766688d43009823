"""Which way is up in a camera: an Imu tells, or odometry in TF, whose frame stands upright."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.configuration.parameters import LocalizationSettings
from bpnp_ros.geometry.rotation import matrix_from_quaternion
from bpnp_ros.runtime.conversions import frame_of, nanoseconds
from bpnp_ros.runtime.tf.odometry import FollowsTransforms
from bpnp_ros.runtime.tf_buffer import NEWEST, NoTransformError

if TYPE_CHECKING:
    from sensor_msgs.msg import Imu

Array = NDArray[np.float64]
TellUp = Callable[[str], tuple[Array, str]]
"""From a camera's frame to the upward direction in its axes (3,) and who says so."""

STANDARD, NEAR = 9.81, 0.6  # m/s^2, and how far from it the force on a still Imu may be
UNREST, TURNING = 0.3, 0.1  # m/s^2 and rad/s that are still called still
SHORTEST, LONGEST = 500_000_000, 2_000_000_000  # nanoseconds of stillness, and of what is kept
FEWEST = 5  # messages
KNOWN_QUATERNION = 0.01


class Gravity:
    """Fed with messages of one Imu. Raises NoTransformError as long as nobody tells."""

    def __init__(self, settings: LocalizationSettings, transforms: FollowsTransforms) -> None:
        self._settings, self._transforms = settings, transforms
        self._heard: deque[Imu] = deque(maxlen=2000)

    def take(self, message: Imu) -> None:
        """A sensor_msgs/Imu."""
        self._heard.append(message)
        newest = nanoseconds(message.header.stamp)
        while not 0 <= newest - nanoseconds(self._heard[0].header.stamp) <= LONGEST:
            self._heard.popleft()

    def up_in(self, camera: str) -> tuple[Array, str]:
        """The upward direction (3,) in a camera's axes, and who says so."""
        heard = list(self._heard)
        if heard:
            frame = frame_of(heard[-1].header)
            R = self._transforms.lookup(camera, frame, NEWEST)[:3, :3]
            return R @ up_of(heard), f"Imu '{frame}'"
        odom = self._settings.odom_frame
        if odom and self._transforms.hangs_below(camera, odom):
            return self._transforms.lookup(camera, odom, NEWEST)[:3, 2], f"TF from '{odom}'"
        raise NoTransformError(
            f"nothing has come on the topic imu, and there is no TF from '{odom}' to '{camera}'."
        )


def up_of(messages: list[Imu]) -> Array:
    """Upward direction (3,) in an Imu's axes: from its orientation, where it has one, else from
    the force on it while it is still. Raises NoTransformError where it is not."""
    last = messages[-1]
    q = np.array([getattr(last.orientation, axis) for axis in "xyzw"])
    stated = last.orientation_covariance[0] >= 0
    if stated and abs(np.linalg.norm(q) - 1) < KNOWN_QUATERNION:
        return np.asarray(matrix_from_quaternion(torch.from_numpy(q)).numpy()[2])
    force, rate = _columns(messages, "linear_acceleration"), _columns(messages, "angular_velocity")
    time = nanoseconds(last.header.stamp) - nanoseconds(messages[0].header.stamp)
    if len(messages) < FEWEST or time < SHORTEST:
        raise NoTransformError("the Imu has been heard for less than half a second.")
    mean = force.mean(axis=0)
    unrest, turning = np.linalg.norm(force.std(axis=0)), np.abs(rate).mean(axis=0).max()
    strength = float(np.linalg.norm(mean))
    if not (unrest < UNREST and turning < TURNING and abs(strength - STANDARD) < NEAR):
        raise NoTransformError(
            f"the Imu is not still: {strength:.1f} m/s2 that vary by {unrest:.1f}, "
            f"{turning:.2f} rad/s; hold the camera still for two seconds."
        )
    return np.asarray(mean / strength)


def _columns(messages: list[Imu], name: str) -> Array:
    rows = [[getattr(getattr(message, name), axis) for axis in "xyz"] for message in messages]
    return np.nan_to_num(np.array(rows, np.float64))
