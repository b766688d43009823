"""Whether a task fits in between two messages, and how often it may."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

SHARE = 0.1  # of all time
USUALLY = 0.3  # weight of the newest period
LONGEST_PERIOD = 60.0  # seconds


class SpareTime:
    """cost: seconds that the task took last; at first, more than there ever is."""

    def __init__(self) -> None:
        self.cost = float("inf")
        self._period = 0.0
        self._last = 0.0
        self._not_before = 0.0

    def message(self, now: float) -> None:
        """One came, at a time of time.monotonic."""
        period = min(now - self._last, LONGEST_PERIOD) if self._last else 0.0
        self._period += USUALLY * (period - self._period)
        self._last = now

    def is_enough(self, now: float) -> bool:
        """Whether the task would be over before the next message is due."""
        return now >= self._not_before and now + self.cost < self._last + self._period

    @contextmanager
    def spent(self) -> Iterator[None]:
        """Around the task: how long it takes, and when it may be done again."""
        start = time.monotonic()
        yield
        end = time.monotonic()
        self.cost = end - start
        self._not_before = end + self.cost / SHARE
