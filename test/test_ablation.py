"""The ablation: arms that differ in one thing, cues that tell pairs apart, a start that goes on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("lightning")

from experiments.ablation import __main__ as ablation
from experiments.ablation import judging
from experiments.ablation.arms import ARMS
from experiments.ablation.cues import CueChannels, made_up, told
from experiments.ablation.report import table
from training.datasets.sample import Batch, collate
from training.datasets.simulated import SimulatedScenes
from training.datasets.source import Epoch


def scenes(rate: float, count: int = 4) -> Batch:
    drawn = Epoch(SimulatedScenes("test", rate), seed=3, most_points=64)
    return collate([drawn[i] for i in range(count)])


def test_made_up_cues_are_alike_in_pairs_and_tell_nothing_of_others() -> None:
    batch = scenes(0.5)
    nats, C = told(made_up(batch, seed=0)), batch.C.bool()
    assert nats[C].mean() > 0.5 > 0 > nats[~C].mean()


def test_the_channels_of_cues_say_nothing_where_cues_are_not_known() -> None:
    torch.manual_seed(0)
    network, batch = CueChannels().eval(), scenes(0.0)
    with torch.no_grad():
        unknown = network(*batch.inputs(False)).P
        network.cues = made_up(batch, seed=0)
        known = network(*batch.inputs(False)).P
        again = network(*batch.inputs(False)).P
    assert not torch.allclose(unknown, known)
    torch.testing.assert_close(known, again)


def test_an_arm_without_relative_geometry_sees_shapes_by_their_points_alone() -> None:
    torch.manual_seed(0)
    network = ARMS["without relative geometry"].network().eval()
    cos, sin = network.get_submodule("point_rotary")(torch.randn(1, 5, 3))
    assert (cos == 1).all() and (sin == 0).all()


def test_all_arms_learn_from_the_same_sets_but_the_one_without_curriculum() -> None:
    sources = {name: arm.source(0.1) for name, arm in ARMS.items()}
    hard = sources.pop("without curriculum")
    assert hard.highest_rate > 0.8 and all(s.highest_rate == 0 for s in sources.values())


def test_a_second_start_goes_on_after_the_runs_that_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = {name: ARMS[name] for name in list(ARMS)[:2]}
    monkeypatch.setattr(ablation, "ARMS", arms)
    monkeypatch.setattr(judging, "RATES", (0.0,))
    words = ["ablation", "--out", str(tmp_path), "--samples", "8", "--problems", "2"]
    for seeds in ("1", "2"):
        monkeypatch.setattr(sys, "argv", [*words, "--seeds", seeds])
        with pytest.raises(SystemExit, match="0"):
            ablation.main()
    runs = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines()]
    assert [(run["arm"], run["seed"]) for run in runs] == [(a, s) for s in (0, 1) for a in arms]
    assert (tmp_path / "ablation.png").exists()
    assert "as shipped, cues beside its odds" in capsys.readouterr().out


def test_the_table_has_the_mean_and_the_range_of_the_seeds() -> None:
    runs = [
        {"arm": "a", "seconds": 10.0 + 2 * seed, "figures": {"": {"recall x": 0.5 + 0.1 * seed}}}
        for seed in range(3)
    ]
    assert table(runs)[-1] == "| a | 12 | 60 % (50-70) |"
