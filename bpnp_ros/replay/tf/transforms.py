"""The TF of a whole bag, and the odometry in it."""

from __future__ import annotations

from contextlib import suppress

from bpnp_ros.bags.messages import TF
from bpnp_ros.bags.reading import Bag
from bpnp_ros.configuration.parameters import LocalizationSettings
from bpnp_ros.errors import ConfigError
from bpnp_ros.runtime.answering import GiveOdometry
from bpnp_ros.runtime.conversions import nanoseconds, read_transform
from bpnp_ros.runtime.tf.odometry import Odometry
from bpnp_ros.runtime.tf_buffer import FOREVER, TransformBuffer

ROUNDING = 10_000  # nanoseconds: files often give microseconds
LONGEST_GAP = 500_000_000  # nanoseconds of odometry over which to interpolate


def fill_from_tf(transforms: TransformBuffer, bag: Bag) -> None:
    """All transforms of a bag; what is no rigid transform is left out."""
    for recorded in bag.messages([topic.name for topic in bag.of_kinds(TF)]):
        static = recorded.topic.endswith("tf_static")
        for edge in recorded.message.transforms:
            parent, stamp = edge.header.frame_id, nanoseconds(edge.header.stamp)
            with suppress(ConfigError):  # no rigid transform; the node ignores it, too
                T = read_transform(edge.transform)
                transforms.set(parent, edge.child_frame_id, stamp, T, static)


def odometry_of(bag: Bag, settings: LocalizationSettings) -> GiveOdometry:
    """What the node would have looked up, had all of TF arrived in time."""
    transforms = TransformBuffer(FOREVER, LONGEST_GAP, ROUNDING)
    fill_from_tf(transforms, bag)
    return Odometry(settings, transforms).at
