"""Which of the keypoints that wait comes next."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bpnp_ros.runtime.backlog import LONGEST, Backlog

TENTH = 100_000_000  # nanoseconds


def message(tenths: int) -> Any:
    stamp = SimpleNamespace(sec=tenths // 10, nanosec=tenths % 10 * TENTH)
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), tenths=tenths)


def waiting(*tenths: int) -> Backlog:
    backlog = Backlog()
    for stamp in tenths:
        backlog.push(message(stamp))
    return backlog


def popped(message: Any) -> int | None:
    """Which message it is, by its stamp in tenths of a second."""
    return message and message.tenths


def test_the_latest_wins_and_those_before_it_are_dropped() -> None:
    backlog = waiting(1, 2, 3)
    assert popped(backlog.pop_latest()) == 3
    assert backlog.dropped == 2 and len(backlog) == 0
    assert backlog.pop_latest() is None


@pytest.mark.parametrize(
    ("last", "pace", "next_one"),
    [
        (10, 0.06, 11),  # fast enough to leave nothing out
        (10, 0.25, 14),  # a slow one takes longer strides, or it would never catch up
        (10, 9.0, 20),  # a very slow one takes the latest
        (5, 0.25, 11),  # where the nearest is far enough, that
    ],
)
def test_a_tracker_catches_up_in_strides(last: int, pace: float, next_one: int) -> None:
    backlog = waiting(*range(11, 21))
    assert popped(backlog.pop_after(last * TENTH, pace)) == next_one
    assert backlog.dropped + 1 + len(backlog) == 10


def test_a_message_out_of_order_comes_out_rather_than_being_hidden() -> None:
    backlog = waiting(3, 11)
    assert popped(backlog.pop_after(10 * TENTH, 0.0)) == 3
    assert popped(backlog.pop_after(10 * TENTH, 0.0)) == 11
    assert backlog.pop_after(11 * TENTH, 0.0) is None
    assert backlog.dropped == 0


def test_it_does_not_grow_without_limit_and_can_be_given_up() -> None:
    backlog = waiting(*range(LONGEST + 5))
    assert (len(backlog), backlog.dropped) == (LONGEST, 5)
    backlog.clear()
    assert (len(backlog), backlog.dropped) == (0, LONGEST + 5)
