"""Every node ends cleanly on Ctrl-C, and tells people in a line why it cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bpnp_ros.command import COULD_NOT_RUN

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

POINT_MAP_SERVER = [sys.executable, "-m", "bpnp_ros.nodes.point_map_server", "--ros-args"]
WITHOUT_ROS = "import sys; sys.modules['rclpy'] = None; from bpnp_ros.nodes.{} import main; main()"


def start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )


@pytest.fixture
def point_map_server(ros_domain: None, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """One that has published its map."""
    map_file = tmp_path / "map.xyz"
    map_file.write_text("0 0 0\n1 0 0\n0 1 0\n0 0 1\n")
    process = start([*POINT_MAP_SERVER, "-p", f"map_file:={map_file}"])
    assert process.stdout is not None
    for line in process.stdout:
        if "4 points" in line:
            break
    yield process
    process.kill()
    process.communicate()


def test_ctrl_c_ends_it_at_once_even_when_it_comes_twice(
    point_map_server: subprocess.Popen[str],
) -> None:
    started = time.monotonic()
    for _ in range(2):
        os.kill(point_map_server.pid, signal.SIGINT)
        time.sleep(0.01)
    output, _ = point_map_server.communicate(timeout=20)
    assert point_map_server.returncode == 0
    assert "Traceback" not in output
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "map_file is empty"),
        (["-p", "map_scale:=wide"], "map_scale"),
    ],
)
def test_what_stops_it_from_starting_is_told_in_a_line(
    ros_domain: None, arguments: list[str], named: str
) -> None:
    process = start([*POINT_MAP_SERVER, *arguments])
    output, _ = process.communicate(timeout=60)
    assert process.returncode == COULD_NOT_RUN
    assert named in output and "Traceback" not in output


@pytest.mark.parametrize("node", ["localization", "point_map_server", "keypoint_detector"])
def test_without_ros_there_is_advice_instead_of_a_traceback(node: str) -> None:
    process = start([sys.executable, "-c", WITHOUT_ROS.format(node)])
    output, _ = process.communicate(timeout=30)
    assert process.returncode == COULD_NOT_RUN
    assert output.startswith("error: rclpy is not installed: source your ROS 2")
    assert len(output.splitlines()) == 1
