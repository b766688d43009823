"""Which stamps to believe: one that is far off is refused, a clock that has changed is not.

A driver that stamps one message wrongly must not make a localiser forget all it knows; a bag that
starts anew must. What tells them apart is whether the next messages say the same.
"""

from __future__ import annotations

from collections.abc import Callable

from bpnp_ros.errors import KeypointError

LATE = 1_000_000_000  # nanoseconds; less before the last one is a message that came late
FAR = 10_000_000_000  # nanoseconds further ahead than time has gone on
AGREEING = 3  # messages that make another clock


class Stamps:
    """Stamps of the keypoints, in nanoseconds. `on_jump_back` is told of a clock set back."""

    def __init__(self, on_jump_back: Callable[[], None]) -> None:
        self._on_jump_back = on_jump_back
        self._doubtful: list[int] = []
        self._arrived = 0
        self.last = 0
        """The last that was believed; 0 before the first."""

    def forget(self) -> None:
        """Believe whatever comes next."""
        self.last = 0
        self._doubtful.clear()

    def check(self, stamp: int, arrived: int) -> None:
        """Raise KeypointError unless the stamp can be believed. `arrived`: when its message did."""
        if stamp <= 0:
            raise KeypointError("the stamp is zero or negative; fill in that of the image.")
        ahead = stamp - self.last
        if self.last and not -LATE <= ahead <= FAR + max(arrived - self._arrived, 0):
            self._doubt(stamp)
            if ahead < 0:
                self._on_jump_back()
        elif ahead <= 0:
            raise KeypointError(
                f"the stamp, {stamp / 1e9:.3f} s, is not later than the last one, "
                f"{self.last / 1e9:.3f} s."
            )
        self._doubtful.clear()
        self.last, self._arrived = stamp, arrived

    def _doubt(self, stamp: int) -> None:
        """Raise KeypointError until enough messages in a row agree on another clock; one that is
        sent again says nothing new."""
        previous = self._doubtful[-1] if self._doubtful else stamp
        if not 0 <= stamp - previous <= FAR:
            self._doubtful.clear()
        if stamp not in self._doubtful[-1:]:
            self._doubtful.append(stamp)
        if len(self._doubtful) < AGREEING:
            off = (stamp - self.last) / 1e9
            raise KeypointError(
                f"the stamp, {stamp / 1e9:.3f} s, is {abs(off):.3f} s "
                f"{'after' if off > 0 else 'before'} the last one; a clock that has really changed "
                f"is believed at the {AGREEING}rd message in a row."
            )
