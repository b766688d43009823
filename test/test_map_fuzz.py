"""Damaged files end in a sentence or in a valid map, and take little memory."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from fuzz_maps import failures, whole_files

from bpnp_ros.point_map.loading import load_map


@pytest.mark.parametrize("name", whole_files())
def test_what_is_damaged_was_right_before(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(whole_files()[name])
    assert len(load_map(tmp_path / name)) == 30


@pytest.mark.filterwarnings("error")
def test_damaged_files_never_end_in_another_error(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert list(failures(600, seed=1, folder=tmp_path)) == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB
