"""The TF of a whole bag, and the odometry in it."""

from __future__ import annotations

from bpnp_ros.bags.reading import Bag
from bpnp_ros.bags.transforms import read_transforms
from bpnp_ros.configuration.parameters import LocalizationSettings
from bpnp_ros.runtime.answering import GiveOdometry
from bpnp_ros.runtime.tf.odometry import Odometry
from bpnp_ros.runtime.tf_buffer import FOREVER, TransformBuffer

ROUNDING = 10_000  # nanoseconds: files often give microseconds
LONGEST_GAP = 500_000_000  # nanoseconds of odometry over which to interpolate


def odometry_of(bag: Bag, settings: LocalizationSettings) -> GiveOdometry:
    """What the node would have looked up, had all of TF arrived in time."""
    transforms = TransformBuffer(FOREVER, LONGEST_GAP, ROUNDING)
    read_transforms(bag, transforms)
    return Odometry(settings, transforms).at
