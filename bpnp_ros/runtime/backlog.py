"""Keypoints that wait: the latest wins, unless the tracker can catch up through those before it.

A search takes far longer than a tracked frame. What it finds is where the camera was then; so the
tracker goes through what came meanwhile, in strides just long enough to gain on the clock.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from bpnp_ros.runtime.conversions import nanoseconds

if TYPE_CHECKING:
    from sensor_msgs.msg import PointCloud2

LONGEST = 100  # messages
GAIN = 1.25  # seconds of messages that a second of tracking must cover


class Backlog:
    """Filled by the executor's thread, emptied by the worker's."""

    def __init__(self) -> None:
        self._waiting: deque[PointCloud2] = deque()
        self._lock = threading.Lock()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, message: PointCloud2) -> None:
        with self._lock:
            self._waiting.append(message)
            self._drop(len(self._waiting) - LONGEST)

    def clear(self) -> None:
        with self._lock:
            self._drop(len(self._waiting))

    def pop_latest(self) -> PointCloud2 | None:
        with self._lock:
            self._drop(len(self._waiting) - 1)
            return self._waiting.popleft() if self._waiting else None

    def pop_after(self, stamp: int, pace: float) -> PointCloud2 | None:
        """The one to track next, the last answer being for `stamp` (nanoseconds).

        `pace` is how many seconds a tracked frame takes: no message is left out for a tracker that
        is fast enough. One that is not later than the last comes out first, to be refused by name.
        """
        far_enough = stamp + round(GAIN * pace * 1e9)
        with self._lock:
            before = 0
            for message in self._waiting:
                at = nanoseconds(message.header.stamp)
                if at <= stamp or at >= far_enough:
                    break
                before += 1
            self._drop(min(before, len(self._waiting) - 1))
            return self._waiting.popleft() if self._waiting else None

    def _drop(self, count: int) -> None:
        for _ in range(max(count, 0)):
            self._waiting.popleft()
            self.dropped += 1
