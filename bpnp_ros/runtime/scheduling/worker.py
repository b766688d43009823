"""A thread beside the executor's: one job waits at most for each purpose, and the latest wins."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

Job = Callable[[], None]

SWITCH = 1e-4
"""Seconds that a thread may keep the interpreter from others. Every operation of torch gives it up
and has to get it back; at Python's own 5 ms thousands of them crawl beside a busy executor."""


class Worker:
    """Runs jobs one after the other, those of the earliest purpose first.

    on_error gets whatever a job raises; the thread lives on.
    """

    def __init__(self, purposes: tuple[str, ...], on_error: Callable[[Exception], None]) -> None:
        self._waiting: dict[str, tuple[Job, float] | None] = dict.fromkeys(purposes)
        self._on_error = on_error
        self._changed = threading.Condition()
        self._stopping = False
        sys.setswitchinterval(SWITCH)
        self._thread = threading.Thread(target=self._run, name="localizer", daemon=True)
        self._thread.start()

    def submit(self, purpose: str, job: Job, not_before: float = 0.0) -> None:
        """Let `job` run as soon as can be, in place of one of the same purpose that still waits.

        not_before: a time of time.monotonic.
        """
        with self._changed:
            self._waiting[purpose] = (job, not_before)
            self._changed.notify()

    def stop(self, patience: float) -> bool:
        """Give up what waits, let the running job end; False if it did not within `patience` s."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception as error:
                self._on_error(error)

    def _next(self) -> Job | None:
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                waiting = {purpose: entry for purpose, entry in self._waiting.items() if entry}
                for purpose, (job, not_before) in waiting.items():
                    if not_before <= now:
                        self._waiting[purpose] = None
                        return job
                first = min((not_before for _, not_before in waiting.values()), default=None)
                self._changed.wait(None if first is None else first - now)
        return None
