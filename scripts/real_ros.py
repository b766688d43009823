"""Try the package under `ros2 launch` where no ROS is installed, with ROS's own sources.

python scripts/real_ros.py SOURCES, in the package's environment (docs/installation.md), where
SOURCES holds checkouts of launch, launch_ros, ros2cli, ament_index, rosidl_runtime_py and
osrf_pycommon; ROS_SOURCES
may name it, too. They are installed into a throw-away environment, and two cameras in two
namespaces go through lifecycle, parameters and TF. Skips, with a reason, where sources are missing.
"""

from __future__ import annotations

import os
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PROJECTS = (
    *("osrf_pycommon", "ament_index/ament_index_python", "rosidl_runtime_py"),
    *("launch/launch", "launch/launch_xml", "launch/launch_yaml", "launch_ros/launch_ros"),
    *("ros2cli/ros2cli", "ros2cli/ros2pkg", "ros2cli/ros2run", "ros2cli/ros2node"),
    *("ros2cli/ros2service", "ros2cli/ros2lifecycle", "ros2cli/ros2param", "launch_ros/ros2launch"),
)
NODES = ("localization", "point_map_server", "keypoint_detector")
NAMESPACES = ("front", "rear")
NO_COMPONENTS = "class LoadNode:\n    Request = Response = object\n"  # launch_ros imports it
PATIENCE = 60.0  # seconds


def main() -> None:
    sources = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("ROS_SOURCES", ""))
    missing = what_is_missing(sources)
    if missing:
        print(f"skipped: {missing}")
        return
    with tempfile.TemporaryDirectory(prefix="real_ros_") as folder:
        environment = Path(folder)
        install(environment, sources)
        check(environment)
    print("passed")


def what_is_missing(sources: Path) -> str:
    """Why it cannot be tried; empty if it can."""
    absent = [name for name in PROJECTS if not (sources / name / "setup.py").exists()]
    if absent:
        return f"no {absent[0]} in '{sources}'; give the folder with the checkouts of ROS's sources"
    if find_spec("rclpy") is None or find_spec("tf2_msgs") is None:
        return "rclpy or tf2_msgs is missing from this environment"
    return ""


def install(environment: Path, sources: Path) -> None:
    """ROS's tools and this package, beside all that this environment has."""
    venv.create(environment, symlinks=True)
    packages = next((environment / "lib").glob("python*")) / "site-packages"
    ours = "".join(f"; site.addsitedir({path!r})" for path in site.getsitepackages())
    (packages / "environment.pth").write_text(f"import site{ours}\n")
    stand_in = packages / "composition_interfaces"
    stand_in.mkdir()
    (stand_in / "__init__.py").touch()
    (stand_in / "srv.py").write_text(NO_COMPONENTS)
    for name in (*(sources / name for name in PROJECTS), CHECKOUT):
        copy = environment / "src" / name.name
        ignored = shutil.ignore_patterns(".git", ".venv", "out", "build", "runs")
        shutil.copytree(name, copy, ignore=ignored)
        python = str(environment / "bin" / "python")
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--ignore-installed"]
        subprocess.run([python, "-m", "pip", "install", *options, str(copy)], check=True)
    (environment / "lib" / "bpnp_ros").mkdir()
    for node in NODES:  # where colcon puts them, and `ros2 run` looks
        (environment / "lib" / "bpnp_ros" / node).symlink_to(environment / "bin" / node)


def check(environment: Path) -> None:
    """Two cameras, each with its own node, as a manager would have them."""
    os.environ |= {
        "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "AMENT_PREFIX_PATH": str(environment),
        "ROS_DOMAIN_ID": str(1 + os.getpid() % 100),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
    }
    refused = ros2("launch", "bpnp_ros", "localization.launch.py", "map_scale:=wide")
    expect("map_scale is 'wide'; it must be a number" in refused, "a wrong type is named", refused)
    refused = ros2("launch", "bpnp_ros", "localization.launch.py", "mapfile:=x")
    expect("did you mean map_file" in refused, "a misspelt name is refused", refused)
    try:
        with launched(NAMESPACES[0]), launched(NAMESPACES[1]):
            for name in NAMESPACES:
                go_through_life(f"/{name}/localization")
            follow(environment)
    finally:
        ros2("daemon", "stop")  # the first `ros2 lifecycle` started it, and it would live on


@contextmanager
def launched(namespace: str) -> Iterator[None]:
    arguments = {
        "namespace": namespace,
        "weights": CHECKOUT / "bpnp_ros" / "data" / "demo_bundle.safetensors",
        "autostart": "false",
        "bank_views": "2000",
        "min_inliers": "13",
        "tf_mode": "base",
        "base_frame": f"{namespace}_base",
    }
    given = [f"{name}:={value}" for name, value in arguments.items()]
    command = ["ros2", "launch", "bpnp_ros", "localization.launch.py", *given]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        yield
        process.send_signal(signal.SIGINT)
        expect(process.wait(20) == 0, f"{namespace} ends on Ctrl-C")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def go_through_life(node: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while "unconfigured" not in (found := ros2("lifecycle", "get", node)):
        if time.monotonic() > deadline:
            expect(False, f"{node} is there", found)
    for step in ("configure", "activate", "deactivate", "activate"):
        done = ros2("lifecycle", "set", node, step)
        expect("successful" in done, f"{node}: {step}", done)
    found = ros2("param", "get", node, "min_inliers")
    expect("13" in found, f"{node} has the launch argument", found)
    tuned = ros2("param", "set", node, "min_inliers", "12")
    expect("successful" in tuned, f"{node} is tuned while active", tuned)
    refused = ros2("param", "set", node, "bank_views", "5000")
    expect("clean it up" in refused, f"{node} refuses what is fixed", refused)


def follow(environment: Path) -> None:
    """Both cameras walk through the demo's world; each gets its own base into /tf."""
    robot = CHECKOUT / "scripts" / "two_cameras.py"
    command = [str(environment / "bin" / "python"), str(robot), *NAMESPACES]
    done = subprocess.run(command, timeout=PATIENCE, check=False)
    expect(done.returncode == 0, "TF from the map to the base of either camera")


def ros2(*words: str) -> str:
    """All that `ros2 ...` prints."""
    done = subprocess.run(
        ["ros2", *words], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return done.stdout + done.stderr


def expect(condition: bool, what: str, found: str = "") -> None:
    if not condition:
        sys.exit(f"failed: {what}\n{found}")
    print(f"ok: {what}", flush=True)


if __name__ == "__main__":
    main()
