"""Hostile messages and damaged files, a few of each kind; `python test/fuzz` tries many more."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")
pytest.importorskip("lightning", reason="needs lightning: pip install '.[training]'")

from fuzz.campaign import run
from fuzz.inputs import ANSWERED, KINDS, Outcome
from fuzz.maps import COUNT, whole_files
from fuzz.summary import failed, table

from bpnp_ros.errors import LONGEST, BpnpError
from bpnp_ros.point_map.loading import load_map
from bpnp_ros.point_map.mesh_file import read_mesh

CHECKOUT = Path(__file__).resolve().parents[1]


def test_the_command_starts_in_a_checkout_as_it_is() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, "test/fuzz", "--seed", "0", "--inputs", "1"]
    told = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert "keypoints" in told.stdout


@pytest.mark.parametrize("name", whole_files())
def test_what_is_damaged_was_right_before(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(whole_files()[name])
    assert len(load_map(tmp_path / name)) == COUNT


@pytest.mark.parametrize("name", whole_files())
def test_a_small_file_asks_for_little_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(whole_files()[name])
    tracemalloc.start()
    try:
        read_mesh(path) if path.suffix == ".ply" else load_map(path)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_hostile_inputs_are_answered_or_refused_in_a_sentence(tmp_path: Path) -> None:
    outcomes = list(run(2, list(range(8 * len(KINDS))), tmp_path))
    assert [outcome for outcome in outcomes if failed(outcome)] == []
    assert any(outcome.result == ANSWERED for outcome in outcomes)
    assert not list(tmp_path.iterdir())


def test_the_table_counts_what_failed() -> None:
    lines = table([Outcome(0, ANSWERED), Outcome(len(KINDS), "KeyError: x")]).splitlines()
    assert lines[1].split() == ["keypoints", "1", "0", "1"]


def test_names_of_any_length_leave_an_error_readable() -> None:
    told = str(BpnpError(f"there is no field '{'a' * 10**6}'; rename it."))
    assert told.startswith("there is no field") and told.endswith("rename it.")
    assert len(told) < LONGEST + 10
