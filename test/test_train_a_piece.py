"""A training in pieces, on a machine that is lent for some minutes at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from paper_sets import write_set

SCRIPT = Path(__file__).parents[1] / "scripts" / "train_a_piece.sh"
FLAGS = ["-b", "3", "-j", "0", "--num_points_train", "24", "--poseloss", "9"]


def piece(
    *arguments: str | Path, python: str | Path = sys.executable
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *arguments],
        cwd=SCRIPT.parents[1],
        env={**os.environ, "PYTHON": str(python), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.timeout(1200)  # ends with the trainings, however busy the machine
def test_the_next_piece_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    data, run = write_set(tmp_path / "data"), tmp_path / "run"
    for epochs in ("1", "2"):
        done = piece("60", run, *FLAGS, "--epochs", epochs, data)
        assert done.returncode == 0, done.stderr
    lines = (run / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [0, 1]


def test_when_its_minutes_are_over_it_says_how_to_go_on(tmp_path: Path) -> None:
    trains_forever = program(tmp_path / "python", "exec sleep 100")
    stopped = piece("0.01", tmp_path, "data", python=trains_forever)
    assert stopped.returncode == 0
    assert "The same command goes on" in stopped.stdout


def test_a_training_that_fails_is_not_called_done(tmp_path: Path) -> None:
    failed = piece("1", tmp_path, "data", python=program(tmp_path / "python", "exit 3"))
    assert failed.returncode == 3 and "done" not in failed.stdout


def test_without_arguments_it_says_what_it_wants() -> None:
    asked = piece()
    assert asked.returncode == 2 and "MINUTES RUN" in asked.stderr
