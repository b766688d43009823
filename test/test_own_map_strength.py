"""The benchmark of own-map networks has the worlds that it names, and measures nothing twice."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("lightning")

from bpnp_ros.errors import ConfigError
from experiments import own_map_strength as strength
from experiments.own_map_strength_report import RECALL, figure, table
from training.own_map.demo_world import SEED

FIGURES = {RECALL: 0.5, "wrong": 0.0, "median error m": None, "seconds a view": 0.1}


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each measurement so far started at the truth; none of them is real."""
    calls: list[bool] = []

    def pretend(*_: Any, from_truth: bool) -> dict[str, float | None]:
        calls.append(from_truth)
        return FIGURES

    model = SimpleNamespace(point_map=range(505))
    bundle = SimpleNamespace(model=model, network=None, card={"views": 7})
    monkeypatch.setattr(strength, "measure", pretend)
    monkeypatch.setattr(strength, "_bundle", lambda _: bundle)
    monkeypatch.setattr(strength, "_localizer", lambda *_: None)
    monkeypatch.setattr(strength, "_views", lambda *_: [])
    return calls


def test_the_buildings_have_as_many_points_as_they_say_and_are_not_the_demo() -> None:
    assert strength.WORLD_SEED != SEED
    for building in strength.BUILDINGS.values():
        assert len(building.world().landmarks) == pytest.approx(building.points, rel=0.1)


def test_the_network_is_asked_at_every_budget_and_beside_the_others_at_the_longest() -> None:
    settings = strength.plan(2000, [0.0, 2.0, 6.0], 100)
    assert len(settings) == len(set(settings)) == 2 + 4 * 3
    curve = {s.minutes for s in settings if s.asked == strength.NETWORK and s.noise == 0.3}
    assert curve == {0.0, 2.0, 6.0}
    assert {s.minutes for s in settings if s.asked == strength.BOTH} == {6.0}
    assert {s.minutes for s in settings if s.asked in ("search", "ceiling")} == {0.0}


def test_a_setting_is_measured_once(measured: list[bool], tmp_path: Path) -> None:
    settings = strength.plan(500, [0.0, 2.0], 100)
    first = [strength.measured(setting, tmp_path) for setting in settings]
    assert len(measured) == len(settings) and sum(measured) == 3
    assert [strength.measured(setting, tmp_path) for setting in settings] == first
    assert len(measured) == len(settings)
    strength.measured(strength.plan(500, [0.0, 2.0], 99)[0], tmp_path)
    assert len(measured) == len(settings) + 1


def test_the_report_holds_every_setting(measured: list[bool], tmp_path: Path) -> None:
    settings = strength.plan(500, [0.0, 2.0], 100) + strength.plan(2000, [0.0], 100)
    rows = [strength.measured(setting, tmp_path) for setting in settings]
    assert table(rows).row_count == len(settings)
    curve, small, _ = figure(rows).axes
    assert [len(np.atleast_1d(line.get_xdata())) for line in curve.lines] == [2, 1]
    assert len(small.lines) == len(strength.CONFIGS)


def test_what_is_not_trained_cannot_be_measured(tmp_path: Path) -> None:
    setting = strength.plan(500, [0.0], 1)[0]
    with pytest.raises(ConfigError, match="not trained yet"):
        strength.measured(setting, tmp_path)
