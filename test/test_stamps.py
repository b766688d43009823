"""A wrong stamp is refused by name; a clock that has changed is believed."""

from __future__ import annotations

import pytest

from bpnp_ros.errors import KeypointError
from bpnp_ros.runtime.stamps import Stamps

SECOND = 1_000_000_000
YEAR = 31_557_600 * SECOND


def judged(stamps: list[float], arrivals: list[float] | None = None) -> tuple[str, int]:
    """For each stamp in seconds whether it is believed (+) or refused (-); jumps back told of."""
    jumps: list[int] = []
    clock, answers = Stamps(lambda: jumps.append(1)), ""
    for stamp, arrived in zip(stamps, arrivals or [0.1 * i for i in range(99)], strict=False):
        try:
            clock.check(round(stamp * SECOND), round(arrived * SECOND))
            answers += "+"
        except KeypointError:
            answers += "-"
    return answers, len(jumps)


def test_stamps_in_order_are_believed_and_late_ones_refused() -> None:
    assert judged([100, 100.1, 100.1, 100.05, 100.2]) == ("++--+", 0)


@pytest.mark.parametrize("wrong", [100 + 3600, 2.1e9, 5.0])
def test_one_stamp_that_is_far_off_costs_one_message(wrong: float) -> None:
    assert judged([100, 100.1, wrong, 100.2, 100.3]) == ("++-++", 0)
    assert judged([100, wrong, 100.2, wrong, 100.3, wrong, 100.4]) == ("+-+-+-+", 0)


def test_a_wrong_stamp_is_named_with_how_far_it_is_off() -> None:
    clock = Stamps(lambda: None)
    clock.check(100 * SECOND, 0)
    with pytest.raises(KeypointError, match=r"3700.000 s, is 3600.000 s after the last one"):
        clock.check(3700 * SECOND, 0)


def test_a_clock_that_has_changed_is_believed_and_time_set_back_is_told_of_once() -> None:
    assert judged([100, 100.1, 5, 5.1, 5.2, 5.3]) == ("++--++", 1)
    assert judged([100, 100.1, 5000, 5000.1, 5000.2, 5000.3]) == ("++--++", 0)


def test_a_wrong_stamp_that_is_sent_again_and_again_is_not_believed() -> None:
    assert judged([100, 100.1, 3700, 3700, 3700, 3700, 100.2]) == ("++----+", 0)
    assert judged([100, 3700, 3700, 3700.1, 3700.2]) == ("+---+", 0)


def test_a_pause_that_really_took_so_long_costs_nothing() -> None:
    assert judged([100, 400, 700], [0, 300, 600]) == ("+++", 0)


def test_stamps_of_zero_or_before_it_are_refused() -> None:
    assert judged([0, -5, 1]) == ("--+", 0)
