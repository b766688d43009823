"""Keypoints that wait: the latest wins, unless the tracker can catch up through those before it.

A search takes far longer than a tracked frame. What it finds is where the camera was then; so the
tracker goes through what came meanwhile, in strides that are the longer, the further it is behind.
However long a search takes, messages from all of its time are kept: when there are too many, the
one goes that is missed least.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from bpnp_ros.runtime.conversions import nanoseconds

if TYPE_CHECKING:
    from sensor_msgs.msg import PointCloud2

LONGEST = 100  # messages
GAIN = 1.25  # seconds of messages that a second of tracking must cover, at least
HURRY = 4.0  # seconds behind that add one to it
FURTHEST = 4.0  # seconds; who is further behind does not hurry more
LONGEST_STRIDE = 0.5  # seconds; beyond it a tracker finds little


class Backlog:
    """Filled by the executor's thread, emptied by the worker's."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[PointCloud2, int]] = deque()
        self._lock = threading.Lock()
        self.dropped = 0
        self.arrived = 0
        """When the message that came out last was pushed."""

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, message: PointCloud2, arrived: int = 0) -> None:
        with self._lock:
            self._waiting.append((message, arrived))
            if len(self._waiting) > LONGEST:
                del self._waiting[self._least_missed()]
                self.dropped += 1

    def clear(self) -> None:
        with self._lock:
            self._drop(len(self._waiting))

    def pop_latest(self) -> PointCloud2 | None:
        with self._lock:
            return self._pop_latest()

    def pop_after(self, stamp: int, pace: float) -> PointCloud2 | None:
        """The one to track next, the last answer being for `stamp` (nanoseconds).

        `pace` is how many seconds a tracked frame takes: no message is left out for a tracker that
        is fast enough. One that is not later than the last comes out first, to be refused by name.
        Where only strides that are too long would catch up, it is the latest.
        """
        with self._lock:
            if GAIN * pace > LONGEST_STRIDE:
                return self._pop_latest()
            stamps = [nanoseconds(message.header.stamp) for message, _ in self._waiting]
            stride = self._stride(stamp, stamps, pace)
            until = (i for i, at in enumerate(stamps) if at <= stamp or at >= stamp + stride)
            self._drop(next(until, len(stamps) - 1))
            return self._pop()

    @staticmethod
    def _stride(stamp: int, stamps: list[int], pace: float) -> int:
        """Nanoseconds to the next message to track, or a little more."""
        behind = (stamps[-1] - stamp) / 1e9 if stamps else 0.0
        gain = GAIN + min(max(behind, 0.0), FURTHEST) / HURRY
        return round(1e9 * min(gain * pace, LONGEST_STRIDE))

    def _pop_latest(self) -> PointCloud2 | None:
        self._drop(len(self._waiting) - 1)
        return self._pop()

    def _pop(self) -> PointCloud2 | None:
        if not self._waiting:
            return None
        message, self.arrived = self._waiting.popleft()
        return message

    def _least_missed(self) -> int:
        """Where the messages before and after lie closest together."""
        stamps = [nanoseconds(message.header.stamp) for message, _ in self._waiting]
        gaps = [after - before for before, after in zip(stamps, stamps[2:], strict=False)]
        return 1 + gaps.index(min(gaps))

    def _drop(self, count: int) -> None:
        for _ in range(max(count, 0)):
            self._waiting.popleft()
            self.dropped += 1
