"""What has happened since activation, for the diagnostics."""

from __future__ import annotations

import time
from collections import Counter

from bpnp_ros.localizer.types import Category, Fix, Rejection


class Tally:
    """Written by the worker and the executor's thread, read by both; times of time.monotonic."""

    def __init__(self) -> None:
        self.received = 0
        self.received_at: float | None = None
        self.fixes = 0
        self.rejections: Counter[Category] = Counter()
        self.keypoints = 0
        self.camera = ""  # the frame of the camera that was heard last
        self.answer: Fix | Rejection | None = None
        self.stamp = 0  # of the keypoints answered last, nanoseconds
        self.fix: Fix | None = None
        self.fix_at: float | None = None
        self.refused_prior = ""

    def count_received(self) -> None:
        self.received += 1
        self.received_at = time.monotonic()

    def forget_answer(self) -> None:
        """What was answered last says nothing any more."""
        self.answer = None

    def record(self, answer: Fix | Rejection, stamp: int) -> None:
        self.answer, self.stamp = answer, stamp
        if isinstance(answer, Fix):
            self.fixes += 1
            self.fix, self.fix_at = answer, time.monotonic()
        else:
            self.rejections[answer.category] += 1
