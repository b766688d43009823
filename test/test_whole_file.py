"""A file is replaced as a whole or stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpnp_ros.whole_file import written_whole


def test_the_file_is_replaced_when_all_is_written(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text("old")
    with written_whole(file) as partial:
        partial.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new" and list(tmp_path.iterdir()) == [file]


def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text("old")
    with pytest.raises(KeyboardInterrupt), written_whole(file) as partial:
        partial.write_text("ne")
        raise KeyboardInterrupt
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]
