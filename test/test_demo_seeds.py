"""The table of many demo runs tells good from bad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from experiments import demo_seeds

GOOD: dict[str, Any] = {
    "passed": True,
    "recoveries": [{"seconds": 0.0}, {"seconds": 0.4}, {"seconds": 1.2}],
    "accurate_share": 0.981,
    "wrong": 0,
    "global_fixes": {"bpnpnet_map": 3},
    "unanswered": 7,
    "latency_s": {"p50": 0.05, "p95": 0.4},
}
BAD = {
    **GOOD,
    "passed": False,
    "recoveries": [{"seconds": None}],
    "accurate_share": None,
    "latency_s": {"p50": None, "p95": None},
}


def test_a_row_shows_what_decided() -> None:
    assert demo_seeds.row(GOOD).split() == (
        ["passed", "0.0", "0.4", "1.2", "98.1", "%", "0", "3", "7", "50,", "400"]
    )
    assert "FAILED" in demo_seeds.row(BAD) and "never" in demo_seeds.row(BAD)


@pytest.mark.parametrize(("failing", "code"), [({3}, 0), ({3, 5}, 1)])
def test_nine_of_ten_must_pass(
    failing: set[int],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def demo(command: list[str], **_: object) -> int:
        seed, folder = int(command[4]), Path(command[6])
        figures = BAD if seed in failing else GOOD
        (folder / "demo.json").write_text(json.dumps(figures))
        return int(seed in failing)

    monkeypatch.setattr(demo_seeds.subprocess, "call", demo)
    monkeypatch.setattr("sys.argv", ["demo_seeds", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        demo_seeds.main()
    assert ended.value.code == code
    printed = capsys.readouterr().out
    assert f"{10 - len(failing)} of 10 pass" in printed
    assert [line.split()[0] for line in printed.splitlines()[1:11]] == list("0123456789")


def test_a_demo_that_could_not_run_does_not_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_seeds.subprocess, "call", lambda *_, **__: 2)
    assert not demo_seeds.run(4, tmp_path, [])
    assert "could not run" in capsys.readouterr().out
