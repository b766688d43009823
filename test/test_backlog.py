"""Which of the keypoints that wait comes next."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bpnp_ros.localizer.over_time.track import LONGEST_GAP
from bpnp_ros.runtime.conversions import nanoseconds
from bpnp_ros.runtime.scheduling.backlog import LONGEST, Backlog

TENTH, RATE = 100_000_000, 33_333_333  # nanoseconds


def message_at(stamp: int) -> Any:
    time = SimpleNamespace(sec=stamp // 10**9, nanosec=stamp % 10**9)
    return SimpleNamespace(header=SimpleNamespace(stamp=time), tenths=stamp // TENTH)


def message(tenths: int) -> Any:
    return message_at(tenths * TENTH)


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
        (10, 0.39, 15),  # but none in which the camera may come anywhere
        (10, 0.5, 20),  # which leaves the latest to a very slow one
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
    assert len(backlog) <= LONGEST and len(backlog) + backlog.dropped == LONGEST + 5
    backlog.clear()
    assert (len(backlog), backlog.dropped) == (0, LONGEST + 5)


@pytest.mark.parametrize("search", [3.3, 8.0, 20.0])
@pytest.mark.parametrize("pace", [0.02, 0.1, 0.3])
def test_a_slow_machine_catches_up_after_a_long_search_without_a_stride_too_long(
    search: float, pace: float
) -> None:
    """30 messages a second: after the search the tracker follows, and reaches the present."""
    backlog, now, sent, last = Backlog(), search, 0, 1
    while now < 4 * search + 10:
        while (sent + 1) * RATE < now * 1e9:
            sent += 1
            backlog.push(message_at(sent * RATE))
        found = backlog.pop_after(last, pace)
        if found is None:
            now += 0.03
            continue
        stamp = nanoseconds(found.header.stamp)
        assert (stamp - last) / 1e9 <= LONGEST_GAP
        last, now = stamp, now + pace
    assert now - last / 1e9 < 0.2 + 3 * pace


def test_what_no_stride_would_catch_up_with_is_left_behind_for_the_latest() -> None:
    backlog = waiting(*range(11, 44))
    assert popped(backlog.pop_after(10 * TENTH, 0.9)) == 43
