"""map -> odom, kept alive while nothing new is known, as AMCL keeps it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.nodes.tf import Transforms

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Sent:
    """The last transform; it was right for `stamp` when the node's clock showed `clock`."""

    parent: str
    child: str
    T_parent_child: Array
    stamp: int
    clock: int


class MapToOdom:
    """Sends the last map -> odom again. Silent before the first.

    Stamps and the node's clock, nanoseconds, need not agree: time goes on from the image's stamp.
    """

    def __init__(self, transforms: Transforms) -> None:
        self._transforms = transforms
        self._last: _Sent | None = None
        self._latest = 0  # stamp that was sent
        self._lock = threading.Lock()

    def forget(self) -> None:
        with self._lock:
            self._last, self._latest = None, 0

    def set(self, parent: str, child: str, T: Array, stamp: int, clock: int) -> None:
        """T_parent_child (4, 4) is to be sent from now on, for `stamp` when the clock was so."""
        with self._lock:
            self._last = _Sent(parent, child, T, stamp, clock)

    def send(self, clock: int) -> None:
        """Send it for now, unless the child has come to hang below another parent."""
        with self._lock:
            last = self._last
            if last is None or self._transforms.other_parent(last.child, last.parent):
                return
            stamp = last.stamp + max(clock - last.clock, 0)
            if stamp <= self._latest:
                return
            self._latest = stamp
            self._transforms.broadcast(stamp, last.parent, last.child, last.T_parent_child)
