"""The experiment on the pose loss compares like with like, and goes on where it stopped."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("lightning")

from experiments import pose_loss

Calls = list[list[str]]


def argument(call: list[str], option: str) -> str:
    return call[call.index(option) + 1]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What would be trained and tested; each run leaves its files behind."""
    done: Calls = []

    def pretend(arguments: list[str]) -> int:
        done.append(arguments)
        run = Path(argument(arguments, "--log-dir"))
        run.mkdir(parents=True, exist_ok=True)
        (run / "last.ckpt").touch()
        if "-e" in arguments:
            errors = {"median": None if "seed_1" in str(run) else 2.0}
            figures = {"rotation_deg": errors, "translation": errors, "recall": {"0.1, 2 deg": 0.5}}
            (run / "test.json").write_text(json.dumps(dict.fromkeys(pose_loss.ESTIMATES, figures)))
        return 0

    monkeypatch.setattr(pose_loss, "train_or_test", pretend)
    return done


def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    budget = ["--before", "3", "--epochs", "5", "--seeds", "2"]
    options = ["data", "--out", str(folder), *budget, "--dataset", "shapes"]
    monkeypatch.setattr(sys, "argv", ["pose_loss", *options])
    return pose_loss.main()


def test_both_arms_of_a_seed_start_from_the_same_weights_and_have_the_same_budget(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(tmp_path, monkeypatch) == 0
    before, without, _, with_pose, _ = calls[:5]
    assert argument(before, "--poseloss") == argument(before, "--epochs") == "3"
    for call, start in ((without, "5"), (with_pose, "3")):
        assert argument(call, "--resume") == str(tmp_path / "seed_0" / "before" / "last.ckpt")
        assert (argument(call, "--epochs"), argument(call, "--poseloss")) == ("5", start)
        assert argument(call, "--seed") == argument(before, "--seed") == "0"


def test_it_leaves_a_table_and_a_plot(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    assert run(tmp_path, monkeypatch) == 0
    assert (tmp_path / "pose_loss.png").exists()
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Lc + Lp   LM") and "2.000-inf" in last and "0.500" in last


def test_what_is_done_is_not_done_again(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, monkeypatch)
    calls.clear()
    run(tmp_path, monkeypatch)
    assert not [call for call in calls if "-e" in call]
    for call in calls:
        assert argument(call, "--resume") == argument(call, "--log-dir")
