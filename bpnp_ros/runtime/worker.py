"""A thread beside the executor's: one job waits at most for each purpose, and the latest wins."""

from __future__ import annotations

import threading
from collections.abc import Callable

Job = Callable[[], None]


class Worker:
    """Runs jobs one after the other, those of the earliest purpose first.

    on_error gets whatever a job raises; the thread lives on.
    """

    def __init__(self, purposes: tuple[str, ...], on_error: Callable[[Exception], None]) -> None:
        self._waiting: dict[str, Job | None] = dict.fromkeys(purposes)
        self._on_error = on_error
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="localizer", daemon=True)
        self._thread.start()

    def submit(self, purpose: str, job: Job) -> None:
        """Let `job` run as soon as can be, in place of one of the same purpose that still waits."""
        with self._changed:
            self._waiting[purpose] = job
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
                for purpose, job in self._waiting.items():
                    if job is not None:
                        self._waiting[purpose] = None
                        return job
                self._changed.wait()
        return None
