"""The whole map is searched between messages, where there is time, and never at their cost."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bpnp_ros.runtime.scheduling import spare_time
from bpnp_ros.runtime.scheduling.spare_time import SHARE, SpareTime


def steady(period: float) -> SpareTime:
    """After thirty messages, the last of them at 100 s."""
    spare = SpareTime()
    for message in range(30):
        spare.message(100 - period * (29 - message))
    return spare


def test_what_fits_between_two_messages_is_done() -> None:
    spare = steady(period=1.0)
    spare.cost = 0.4
    assert spare.is_enough(100.1)
    assert not spare.is_enough(100.7)


def test_what_takes_longer_or_who_knows_how_long_is_not() -> None:
    spare = steady(period=0.1)
    assert not spare.is_enough(100.0)
    spare.cost = 0.4
    assert not spare.is_enough(100.0)


def test_it_takes_a_share_of_all_time_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((100.0, 100.4))
    monkeypatch.setattr(spare_time, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    spare = steady(period=1.0)
    with spare.spent():
        pass
    spare.message(101.0)
    assert not spare.is_enough(101.0)
    for second in range(102, 106):
        spare.message(second)
    assert spare.is_enough(100.4 + 0.4 / SHARE + 0.7)
