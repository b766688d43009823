"""A node in a process of its own: its command, its log, its end."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from bpnp_ros.errors import BpnpError
from bpnp_ros.live.node_process import NodeProcess, node_command, node_environment

PATIENT = "import time\ntry:\n    print('up', flush=True)\n    time.sleep(60)\n"
CLEAN = PATIENT + "except KeyboardInterrupt:\n    print('ended cleanly')"
STUBBORN = PATIENT.replace("import time", "import signal, time\nsignal.signal(2, signal.SIG_IGN)")


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def wait_for(log: Path, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_node_is_ended_as_by_ctrl_c(tmp_path: Path) -> None:
    log = tmp_path / "node.log"
    with NodeProcess(python(CLEAN), log) as node:
        wait_for(log, "up")
        node.check()
    assert log.read_text().splitlines() == ["up", "ended cleanly"]


def test_a_node_that_does_not_listen_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bpnp_ros.live.node_process.PATIENCE", 0.3)
    log = tmp_path / "node.log"
    child = f"import subprocess, sys\np = subprocess.Popen({python(STUBBORN)!r})\n"
    program = child + STUBBORN.replace("print('up'", "print('child', p.pid, 'up'") + "finally: ..."
    with NodeProcess(python(program), log):
        wait_for(log, "child")
    pid = int(log.read_text().split("child ")[1].split()[0])
    deadline = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(pid)


def test_a_node_that_has_died_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "node.log"
    program = "for i in range(30): print('line', i)\nraise SystemExit(3)"
    with NodeProcess(python(program), log) as node:
        wait_for(log, "line 29")
        deadline = time.monotonic() + 20
        with pytest.raises(BpnpError, match=r"exit code 3[^$]*line 29") as raised:
            while time.monotonic() < deadline:
                node.check()
    assert "line 3\n" not in str(raised.value)


def test_without_ros2_the_node_is_a_module_of_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", "/nowhere")
    command = node_command({"weights": "/a b.safetensors", "use_network": False})
    assert command[:4] == [sys.executable, "-m", "bpnp_ros.nodes.localization", "--ros-args"]
    assert command[4:] == ["-p", "weights:=/a b.safetensors", "-p", "use_network:=false"]


def test_with_ros2_and_the_package_the_launch_file_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = tmp_path / "share" / "bpnp_ros" / "launch"
    launch.mkdir(parents=True)
    (launch / "localization.launch.py").touch()
    (tmp_path / "ros2").touch(mode=0o755)
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere{os.pathsep}{tmp_path}")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert node_command({"use_network": True}) == [
        *("ros2", "launch", "bpnp_ros", "localization.launch.py"),
        "use_network:=true",
    ]


def test_another_python_does_not_inherit_the_mark_of_the_ros_wheels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("_ROS_WHEELS_BOOTSTRAP_COMPLETE", "1")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/wheels")
    assert node_environment(sys.executable)["LD_LIBRARY_PATH"] == "/wheels"
    assert not {"_ROS_WHEELS_BOOTSTRAP_COMPLETE", "LD_LIBRARY_PATH"} & set(node_environment("ros2"))


def test_a_sourced_ros_keeps_its_library_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("_ROS_WHEELS_BOOTSTRAP_COMPLETE", raising=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/ros/lib")
    assert node_environment("ros2")["LD_LIBRARY_PATH"] == "/opt/ros/lib"
