"""The worker keeps one waiting job for each purpose: the latest."""

from __future__ import annotations

import threading
from functools import partial

from bpnp_ros.runtime.scheduling.worker import Worker

PATIENCE = 10.0


def busy_worker(errors: list[Exception]) -> tuple[Worker, threading.Event]:
    """A worker that is held up by a job until the event is set."""
    started, go_on = threading.Event(), threading.Event()

    def hold_up() -> None:
        started.set()
        go_on.wait(PATIENCE)

    worker = Worker(("map", "frame", "last"), errors.append)
    worker.submit("frame", hold_up)
    assert started.wait(PATIENCE)
    return worker, go_on


def finish(worker: Worker, go_on: threading.Event) -> None:
    """Let everything that waits be done."""
    done = threading.Event()
    worker.submit("last", done.set)
    go_on.set()
    assert done.wait(PATIENCE)
    assert worker.stop(PATIENCE)


def test_the_latest_job_of_a_purpose_wins() -> None:
    worker, go_on = busy_worker([])
    done: list[str] = []
    for number in range(5):
        worker.submit("frame", partial(done.append, f"frame {number}"))
    worker.submit("map", partial(done.append, "map"))
    finish(worker, go_on)
    assert done == ["map", "frame 4"]


def test_a_job_that_raises_does_not_end_the_worker() -> None:
    errors: list[Exception] = []
    worker, go_on = busy_worker(errors)
    worker.submit("map", lambda: print(1 // 0))
    finish(worker, go_on)
    assert [type(error) for error in errors] == [ZeroDivisionError]


def test_stopping_gives_up_what_waits() -> None:
    worker, go_on = busy_worker([])
    done: list[int] = []
    worker.submit("frame", partial(done.append, 1))
    assert not worker.stop(patience=0.05)
    go_on.set()
    assert worker.stop(PATIENCE) and done == []
