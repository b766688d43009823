"""Odometry is what TF says of odom -> camera, and nothing else."""

from __future__ import annotations

import numpy as np

from bpnp_ros.configuration.parameters import LocalizationSettings
from bpnp_ros.runtime.tf.odometry import Odometry
from bpnp_ros.runtime.tf_buffer import TransformBuffer

SECOND = 1_000_000_000


def at(x: float) -> np.ndarray:
    T = np.eye(4)
    T[0, 3] = x
    return T


def robot() -> TransformBuffer:
    """odom -> base at 1 s and 2 s, base -> camera always."""
    transforms = TransformBuffer()
    for second in (1, 2):
        transforms.set("odom", "base", second * SECOND, at(second), static=False)
    transforms.set("base", "camera", 0, at(0.5), static=True)
    return transforms


def test_the_camera_is_looked_up_at_the_time_of_its_frame() -> None:
    odometry = Odometry(LocalizationSettings(), robot())
    found = odometry.at("camera", round(1.25 * SECOND))
    assert found is not None and np.allclose(found, at(1.75))


def test_there_is_none_where_nobody_publishes_it() -> None:
    settings = LocalizationSettings()
    assert Odometry(settings, TransformBuffer()).at("camera", SECOND) is None
    assert Odometry(settings, robot()).at("camera", 9 * SECOND) is None
    assert Odometry(settings, robot()).at("another", SECOND) is None
    assert Odometry(LocalizationSettings(odom_frame=""), robot()).at("camera", SECOND) is None


def test_a_pose_in_the_map_is_no_odometry() -> None:
    transforms = TransformBuffer()
    transforms.set("map", "camera", SECOND, at(3), static=False)
    transforms.set("map", "odom", SECOND, at(1), static=False)
    assert Odometry(LocalizationSettings(), transforms).at("camera", SECOND) is None


def test_only_odometry_that_was_there_is_waited_for() -> None:
    waited: list[float] = []

    class Slow(TransformBuffer):
        def lookup(self, target: str, source: str, stamp: int, patience: float = 0.0) -> np.ndarray:
            waited.append(patience)
            return robot().lookup(target, source, stamp)

    transforms = Slow()
    transforms.set("odom", "camera", SECOND, at(0), static=True)
    odometry = Odometry(LocalizationSettings(transform_timeout=0.2), transforms)
    for stamp in (SECOND, SECOND, 9 * SECOND, 9 * SECOND):
        odometry.at("camera", stamp)
    assert waited == [0.0, 0.2, 0.2, 0.0]
