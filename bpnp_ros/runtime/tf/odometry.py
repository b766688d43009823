"""How the camera has moved, from TF: odom -> camera at the stamps of frames."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.configuration.parameters import LocalizationSettings
from bpnp_ros.runtime.tf_buffer import NoTransformError

Array = NDArray[np.float64]


class FollowsTransforms(Protocol):
    """`nodes.tf.Transforms`, or `TransformBuffer`."""

    def lookup(self, target: str, source: str, stamp: int, patience: float = 0.0) -> Array:
        """T_target_source (4, 4) at `stamp`, nanoseconds. Raises NoTransformError."""

    def hangs_below(self, frame: str, ancestor: str) -> bool:
        """Whether `ancestor` is a parent of `frame`, or a parent's parent."""


class Odometry:
    """Looks up `odom_frame`, where somebody publishes it; a robot may have none."""

    def __init__(self, settings: LocalizationSettings, transforms: FollowsTransforms) -> None:
        self._settings, self._transforms = settings, transforms
        self._was_there = False

    def at(self, camera: str, stamp: int) -> Array | None:
        """T_odom_camera (4, 4) at `stamp`, nanoseconds; None where it is not known.

        A camera that hangs below the map is no odometry: that would be our own poses. It is waited
        for only while it comes, so that a robot without odometry is not held up.
        """
        odom = self._settings.odom_frame
        if not odom or not self._transforms.hangs_below(camera, odom):
            return None
        patience = self._settings.transform_timeout if self._was_there else 0.0
        try:
            T = self._transforms.lookup(odom, camera, stamp, patience)
        except NoTransformError:
            self._was_there = False
            return None
        self._was_there = True
        return T
