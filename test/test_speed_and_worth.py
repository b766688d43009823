"""What the tables of the paper's speed and of the proposer's worth are made of."""

from __future__ import annotations

import math
import time

import pytest

pytest.importorskip("lightning")

from experiments.bpnpnet_worth import told
from experiments.paper_speed import A_TURN, figure, least_seconds
from experiments.zoo.run import Row


def test_a_fast_stage_is_called_until_the_turn_is_over_and_a_slow_one_once() -> None:
    calls = list[int]()

    def busy(seconds: float) -> None:
        calls.append(0)
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    assert least_seconds(lambda: busy(A_TURN / 10)) >= A_TURN / 10
    assert 2 <= len(calls) <= 10
    calls.clear()
    assert least_seconds(lambda: busy(1.1 * A_TURN)) >= A_TURN
    assert len(calls) == 1


def test_the_figure_has_a_bar_for_each_stage() -> None:
    axes = figure({"Sinkhorn": 1.5, "whole frame": 3.0}).axes[0]
    assert [text.get_text() for text in axes.texts] == [" 1.5", " 3.0"]


def test_frames_count_as_found_wrong_or_refused_with_the_proposer_and_without() -> None:
    right, off, refused = (Row(9, metres, 0.5, 0.2) for metres in (0.1, 3.0, math.inf))
    rows = {True: [right, right, off], False: [refused, right, refused]}
    assert told("rooms", rows, 0.25) == "| rooms | 3 | 2 / 1 | 1 / 0 | 200 / 200 |"
