"""TF of a whole bag."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.bags.messages import TF
from bpnp_ros.bags.reading import Bag
from bpnp_ros.errors import ConfigError
from bpnp_ros.runtime.conversions import nanoseconds, read_transform
from bpnp_ros.runtime.tf_buffer import FOREVER, TransformBuffer

ROUNDING = 10_000  # nanoseconds: files often give microseconds
LONGEST_GAP = 500_000_000  # nanoseconds over which to interpolate


class RecordedTransforms:
    """What a node would have looked up, had all of TF come in time. Read when first asked for."""

    def __init__(self, bag: Bag) -> None:
        self._bag = bag

    @cached_property
    def _buffer(self) -> TransformBuffer:
        buffer = TransformBuffer(FOREVER, LONGEST_GAP, ROUNDING)
        read_transforms(self._bag, buffer)
        return buffer

    def lookup(
        self, target: str, source: str, stamp: int, patience: float = 0.0
    ) -> NDArray[np.float64]:
        """T_target_source (4, 4) at a stamp, nanoseconds. Raises NoTransformError.

        patience: nothing is on its way in a bag.
        """
        return self._buffer.lookup(target, source, stamp)

    def hangs_below(self, frame: str, ancestor: str) -> bool:
        """Whether `ancestor` is a parent of `frame`, or a parent's parent."""
        return self._buffer.hangs_below(frame, ancestor)


def read_transforms(bag: Bag, into: TransformBuffer) -> None:
    """All of a bag's /tf and /tf_static."""
    for recorded in bag.messages([topic.name for topic in bag.of_kinds(TF)]):
        static = recorded.topic.endswith("tf_static")
        for edge in recorded.message.transforms:
            parent, stamp = edge.header.frame_id, nanoseconds(edge.header.stamp)
            with suppress(ConfigError):  # no rigid transform; the node ignores it, too
                T = read_transform(edge.transform)
                into.set(parent, edge.child_frame_id, stamp, T, static)
