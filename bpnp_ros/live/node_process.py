"""The localization node in a process of its own, started and ended as a user would."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from bpnp_ros.errors import BpnpError

LAUNCH_FILE = "localization.launch.py"
PATIENCE = 10.0  # seconds for a node to end
LAST_LINES = 15
Parameters = dict[str, str | bool | float]


class NodeProcess:
    """A running node. `log` gets all that it prints; `with` ends it whatever happens."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._log = log
        with log.open("w", encoding="utf-8") as output:
            self._process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=node_environment(command[0]),
                start_new_session=True,  # Ctrl-C is for the demo, which then ends the node
            )

    def __enter__(self) -> NodeProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        return self._process.pid

    def check(self) -> None:
        """Raise BpnpError with the node's last words if it has died."""
        if self._process.poll() is not None:
            raise BpnpError(
                f"the node has died (exit code {self._process.returncode}); its last lines:\n"
                f"{self.last_lines()}\nAll of them are in {self._log}."
            )

    def last_lines(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-LAST_LINES:]) or "    (it said nothing)"

    def end(self) -> None:
        """Interrupt the node as Ctrl-C does; kill what is left after some seconds."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def isolate(domain_id: int | None) -> None:
    """A ROS of this run's own: no robot near by hears the run, nor does the run hear it."""
    os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100 if domain_id is None else domain_id)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"


def node_command(parameters: Parameters) -> list[str]:
    """By the launch file where ROS 2 knows it, else as a module of this Python."""
    return launch_command(parameters) if is_launchable() else module_command(parameters)


def is_launchable() -> bool:
    """Whether ROS 2 has a `ros2` command and this package."""
    prefixes = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    launch_files = [Path(prefix, "share/bpnp_ros/launch", LAUNCH_FILE) for prefix in prefixes]
    return shutil.which("ros2") is not None and any(file.exists() for file in launch_files)


def launch_command(parameters: Parameters) -> list[str]:
    arguments = [f"{name}:={_text(value)}" for name, value in parameters.items()]
    return ["ros2", "launch", "bpnp_ros", LAUNCH_FILE, *arguments]


def module_command(parameters: Parameters, node: str = "localization") -> list[str]:
    command = [sys.executable, "-m", f"bpnp_ros.nodes.{node}", "--ros-args"]
    for name, value in parameters.items():
        command += ["-p", f"{name}:={_text(value)}"]
    return command


def node_environment(program: str) -> dict[str, str]:
    """Ours; but the ROS wheels' mark would keep another Python from finding its own ROS."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if program != sys.executable and environment.pop("_ROS_WHEELS_BOOTSTRAP_COMPLETE", ""):
        environment.pop("LD_LIBRARY_PATH", "")
    return environment


def _text(value: str | bool | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
