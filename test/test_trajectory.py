"""TUM files keep stamps to the nanosecond and poses to the printed digit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bpnp_ros.errors import BpnpError
from bpnp_ros.evaluation.trajectory import Trajectory, match_stamps, read_tum, write_tum
from bpnp_ros.geometry.rotation import so3_exp

STAMPS = np.array([1_795_362_000_123_456_789, 1_795_362_000_223_456_789], np.int64)


def quarter_turn_about_z() -> np.ndarray:
    T = np.tile(np.eye(4), (2, 1, 1))
    T[0, :3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    T[0, :3, 3] = [1.0, -2.0, 3.5]
    return T


def test_a_line_is_seconds_metres_and_a_quaternion_with_the_scalar_last(tmp_path: Path) -> None:
    write_tum(tmp_path / "t.txt", Trajectory(STAMPS, quarter_turn_about_z()))
    header, first, second = (tmp_path / "t.txt").read_text().splitlines()
    assert header.startswith("#")
    words = first.split()
    assert words[0] == "1795362000.123456789"
    half = np.sqrt(0.5)
    np.testing.assert_allclose([float(w) for w in words[1:]], [1, -2, 3.5, 0, 0, half, half])
    assert [float(w) for w in second.split()[1:]] == [0, 0, 0, 0, 0, 0, 1]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    T = np.tile(np.eye(4), (5, 1, 1))
    generator = torch.Generator().manual_seed(0)
    T[:, :3, :3] = so3_exp(torch.randn(5, 3, generator=generator, dtype=torch.float64)).numpy()
    T[:, :3, 3] = np.random.default_rng(0).normal(scale=100, size=(5, 3))
    stamps = np.arange(5, dtype=np.int64) * 33_333_333 + STAMPS[0]
    write_tum(tmp_path / "t.txt", Trajectory(stamps, T))
    back = read_tum(tmp_path / "t.txt")
    np.testing.assert_array_equal(back.stamps_ns, stamps)
    np.testing.assert_allclose(back.T_map_camera, T, atol=1e-8)


@pytest.mark.parametrize("text", ["1.0 0 0 0 0 0 1\n", "1.0 0 0 0 0 0 0 0\n", "x 0 0 0 0 0 0 1\n"])
def test_a_line_that_is_no_pose_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.txt").write_text("# comment\n" + text)
    with pytest.raises(BpnpError, match="line 2"):
        read_tum(tmp_path / "t.txt")


def test_an_empty_file_is_an_empty_trajectory(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("# nothing came back\n")
    assert len(read_tum(tmp_path / "t.txt")) == 0


def test_stamps_match_to_the_nanosecond_or_not_at_all() -> None:
    rows, equal = match_stamps(STAMPS, np.array([STAMPS[1], STAMPS[1] + 1, STAMPS[0] - 1]))
    assert equal.tolist() == [True, False, False]
    assert rows[0] == 1
    assert not match_stamps(STAMPS[:0], STAMPS)[1].any()
