"""TUM files keep stamps to the nanosecond and poses to the printed digit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bpnp_ros.errors import BpnpError
from bpnp_ros.evaluation.trajectory import Trajectory, match_stamps, write_tum
from bpnp_ros.evaluation.tum import read_tum
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


def read(tmp_path: Path, text: str) -> Trajectory:
    (tmp_path / "t.txt").write_bytes(text.encode())
    return read_tum(tmp_path / "t.txt")


@pytest.mark.parametrize(
    ("stamp", "nanoseconds"),
    [
        ("1.600000000099999905e+09", 1_600_000_000_099_999_905),
        ("1.6e9", 1_600_000_000_000_000_000),
        ("1600000000", 1_600_000_000_000_000_000),
        ("+5.", 5_000_000_000),
        (".25", 250_000_000),
        ("-0.5", -500_000_000),
        ("-1.25e-1", -125_000_000),
        ("0.1234567894", 123_456_789),
    ],
)
def test_stamps_are_read_however_a_tool_writes_numbers(
    tmp_path: Path, stamp: str, nanoseconds: int
) -> None:
    assert read(tmp_path, f"{stamp} 0 0 0 0 0 0 1").stamps_ns.tolist() == [nanoseconds]


def test_a_time_before_zero_is_written_and_read_back(tmp_path: Path) -> None:
    stamps = np.array([-1_500_000_000, -500_000_000], np.int64)
    write_tum(tmp_path / "t.txt", Trajectory(stamps, quarter_turn_about_z()))
    assert "-1.500000000 " in (tmp_path / "t.txt").read_text()
    np.testing.assert_array_equal(read_tum(tmp_path / "t.txt").stamps_ns, stamps)


@pytest.mark.parametrize(
    "text",
    [
        "1 10 20 30 0 0 0 1\r\n2 10 20 30 0 0 0 1\r\n",
        "1,10,20,30,0,0,0,1\n2,10,20,30,0,0,0,1\n",
        "1; 10; 20; 30; 0; 0; 0; 1\n2;10;20;30;0;0;0;1;\n",
        "1\t10\t20\t30\t0\t0\t0\t1\n\n  2 10 20 30 0 0 0 1 # last",
        "# a comment\n% another\n1 10 20 30 0 0 0 1\n# between\n2 10 20 30 0 0 0 1\n",
        "timestamp,tx,ty,tz,qx,qy,qz,qw\n1,10,20,30,0,0,0,1\n2,10,20,30,0,0,0,1\n",
        "\ufefftimestamp tx ty tz qx qy qz qw\n1 10 20 30 0 0 0 1\n2 10 20 30 0 0 0 1\n",
        "time,x,y,z,qw,qx,qy,qz\n1,10,20,30,1,0,0,0\n2,10,20,30,1,0,0,0\n",
        "1 10 20 30 0 0 0 1 0.97 7\n2 10 20 30 0 0 0 1 0.95 7\n",
        "2 10 20 30 0 0 0 1\n1 10 20 30 0 0 0 1\n",
        "1 10 20 30 0 0 0 1\n1 10 20 30 0 0 0 1\n2 10 20 30 0 0 0 1\n",
    ],
    ids=[
        "crlf",
        "commas",
        "semicolons",
        "tabs",
        "comments",
        "names",
        "bom",
        "scalar-first",
        "more",
        "unsorted",
        "twice",
    ],
)
def test_whatever_stands_around_the_numbers_does_not_matter(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, text)
    T = np.eye(4)
    T[:3, 3] = 10, 20, 30
    assert found.stamps_ns.tolist() == [10**9, 2 * 10**9]
    np.testing.assert_array_equal(found.T_map_camera, [T, T])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1.0 0 0 0 0 0 1", "7 numbers instead of 8"),
        ("1.0 0 0 0 0 0 0 0", "quaternion of length 0"),
        ("1.0 0 0 0 0 0 0 2", "quaternion of length 2"),
        ("x 0 0 0 0 0 0 1", "'x' is no time"),
        ("nan 0 0 0 0 0 0 1", "'nan' is no time"),
        ("1.0 nan nan nan 0 0 0 1", "not finite"),
        ("1.0 1_0 0 0 0 0 0 1", "no numbers"),
        ("1e999999999 0 0 0 0 0 0 1", "no time in seconds"),
        ("1403636579763555584 0 0 0 0 0 0 1", "no time in seconds"),
        ("1600000000000 0 0 0 0 0 0 1", "no time in seconds"),
        ("1 0 0 0 0 1 0 0 0 0 1 0", "KITTI"),
        ("1 1 0 0 0 0 1 0 0 0 0 1 0", "13 numbers"),
        (f"1 1 0 0 0 1 0 0 0 {'0 ' * 8}", "EuRoC"),
        ("1 0 0 0 0 0 0 1\n1 5 0 0 0 0 0 1", "another pose of the time 1 than in line 2"),
    ],
)
def test_a_line_that_is_no_pose_is_named(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(BpnpError, match=r"line [23]: .*" + reason):
        read(tmp_path, "# comment\n" + text)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(BpnpError, match="no text file"):
        read_tum(tmp_path / "t.txt")


def test_an_empty_file_is_an_empty_trajectory(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("# nothing came back\n")
    assert len(read_tum(tmp_path / "t.txt")) == 0


def test_stamps_match_to_the_nanosecond_or_not_at_all() -> None:
    rows, equal = match_stamps(STAMPS, np.array([STAMPS[1], STAMPS[1] + 1, STAMPS[0] - 1]))
    assert equal.tolist() == [True, False, False]
    assert rows[0] == 1
    assert not match_stamps(STAMPS[:0], STAMPS)[1].any()
