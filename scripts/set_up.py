"""Makes .venv, where `make demo` and `make test` run: a ROS 2, this package and what they need.

    python3 scripts/set_up.py

Runs on a bare Python 3.11-3.13 of x86-64 Linux. Where ROS 2 is sourced, that ROS and its Python
are used instead of the wheels. A second run returns at once unless something changed.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
VENV = CHECKOUT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "set-up.sha256"
CONSTRAINTS = CHECKOUT / "constraints.txt"
TF2_MSGS = CHECKOUT / "ros_wheels" / "tf2_msgs"
EXTRAS = "bags,training,test,docs,dev"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"

SIZES = """\
Setting up {venv} with Python {version}: once, then a run starts in seconds.
It downloads from your pip index, in the versions of constraints.txt:
    Open3D                 400 MB
    {ros:20}   {ros_size:3} MB
    NumPy, OpenCV, others  220 MB
    torch                  190 MB as a CPU build, several GB with CUDA; your index decides
and needs about 3 GB of disk with the CPU build.\
"""
NO_GPU = """\
No NVIDIA GPU seen. If your index has the CUDA build of torch, spare yourself the gigabytes: stop,
and start again with PIP_EXTRA_INDEX_URL set to PyTorch's CPU index (pytorch.org, Get Started).\
"""

# Which Debian or Ubuntu package holds a library that the wheels of Open3D and OpenCV leave out.
APT_PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgomp.so.1": "libgomp1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libxcb.so.1": "libxcb1",
}


class SetUpError(Exception):
    """What hinders the set-up, and what its reader can do about it."""


def sourced_ros() -> str:
    """The distribution of the ROS 2 that is sourced, "" without one."""
    distribution = os.environ.get("ROS_DISTRO", "")
    if distribution and not can_run([sys.executable, "-c", "import rclpy"]):
        raise SetUpError(
            f"ROS 2 {distribution} is sourced, but {sys.executable} cannot import its rclpy.\n"
            "Start with the Python it was built for, usually: make PYTHON=/usr/bin/python3 ..."
        )
    return distribution


def fingerprint(ros: str) -> str:
    """Changes with everything that decides what is in .venv."""
    files = [CONSTRAINTS, CHECKOUT / "setup.py", Path(__file__)]
    files += [TF2_MSGS / name for name in ("setup.py", "pyproject.toml", "dispatch.c")]
    words = [sys.version, sys.executable, ros, os.environ.get("TORCH", "")]
    content = b"".join(path.read_bytes() for path in files) + "\n".join(words).encode()
    return hashlib.sha256(content).hexdigest()


def check_python(ros: str) -> None:
    version = sys.version_info[:2]
    if ros:
        return
    if not (3, 11) <= version <= (3, 13):
        raise SetUpError(
            f"This is Python {platform.python_version()}; without a ROS 2 it takes 3.11 to 3.13.\n"
            "Name one that you have: make PYTHON=python3.12 ..., or source your ROS 2."
        )
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise SetUpError(
            f"ROS 2 has no wheels for {platform.system()} on {platform.machine()}: install ROS 2 "
            "itself, source it and start again (docs/installation.md)."
        )


def missing_build_tools(ros: str) -> list[str]:
    """The apt packages that give this Python venv, and the compiler what TFMessage needs."""
    missing = []
    if importlib.util.find_spec("ensurepip") is None:
        missing.append(f"{PYTHON}-venv")
    if not ros and not Path(sysconfig.get_path("include"), "Python.h").exists():
        missing.append(f"{PYTHON}-dev")
    if not ros and not (shutil.which("gcc") and shutil.which("g++")):
        missing.append("g++")
    return missing


def missing_libraries() -> list[str]:
    """The apt packages with the shared libraries that Open3D and OpenCV lack on this machine."""
    modules = [
        path
        for pattern in ("open3d/pybind*.so", "open3d/libOpen3D*.so*", "cv2/cv2*.so")
        for path in VENV.glob(f"lib/python3*/site-packages/{pattern}")
    ]
    output = "".join(
        subprocess.run(["ldd", path], capture_output=True, text=True).stdout for path in modules
    )
    names = set(re.findall(r"(\S+) => not found", output))
    unknown = sorted(names - APT_PACKAGES.keys())
    if unknown:
        raise SetUpError(
            f"Open3D or OpenCV needs {', '.join(unknown)}. Find the package that holds it with\n"
            f"    apt-file search {unknown[0]}"
        )
    return sorted({APT_PACKAGES[name] for name in names})


def install_system_packages(packages: list[str]) -> None:
    """Through apt-get where this user may do so without a password; else say what to run."""
    if not packages:
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not can_run([*as_root, "apt-get", "--version"]):
        raise SetUpError(f"System packages are missing. Please run\n    sudo {' '.join(install)}")
    print(f"Installing system packages: {' '.join(packages)}", flush=True)
    run([*as_root, "apt-get", "update"])
    run([*as_root, "env", "DEBIAN_FRONTEND=noninteractive", *install])


def can_run(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True).returncode == 0


def clean_environment() -> dict[str, str]:
    """The environment without what the ROS wheels of another Python left in it."""
    environment = dict(os.environ)
    if environment.pop("_ROS_WHEELS_BOOTSTRAP_COMPLETE", None):
        environment.pop("LD_LIBRARY_PATH", None)
    return environment


def run(command: list[str], **environment: str) -> None:
    done = subprocess.run(command, env=clean_environment() | environment, cwd=CHECKOUT)
    if done.returncode:
        raise SetUpError(f"This ended with status {done.returncode}: {' '.join(command)}")


def constraints(ros: str) -> str:
    """constraints.txt with the user's torch; beside a ROS, numpy and torch alone."""
    lines = CONSTRAINTS.read_text().splitlines()
    torch = [line for line in lines if line.startswith("torch==")]
    others = [line for line in lines if line not in torch]
    if ros:  # the system's numpy stays: ROS's messages are compiled against it
        others = [f"numpy=={importlib.metadata.version('numpy')}"]
    return "\n".join([*others, os.environ.get("TORCH", torch[0]), ""])


def make_venv(ros: str) -> None:
    """An existing one is kept where it stands on the same Python and, or not, on ROS."""
    options = ["--system-site-packages"] if ros else []
    configuration = VENV / "pyvenv.cfg"
    kind = f"include-system-site-packages = {str(bool(ros)).lower()}"
    same_python = (VENV / "lib" / PYTHON).exists()
    if not same_python or kind not in configuration.read_text():
        options.append("--clear")
    run([sys.executable, "-m", "venv", *options, str(VENV)])


def install_packages(ros: str) -> None:
    pins = VENV / "constraints.txt"
    pins.write_text(constraints(ros))
    wanted = ["-e", f".[{EXTRAS}]"] if ros else ["-e", f".[ros,{EXTRAS}]", str(TF2_MSGS)]
    run(
        [str(VENV_PYTHON), "-m", "pip", "install", *wanted],
        PIP_CONSTRAINT=str(pins),
        PIP_BUILD_CONSTRAINT=str(pins),
    )


def announce(ros: str) -> None:
    print(
        SIZES.format(
            venv=VENV,
            version=platform.python_version(),
            ros=f"ROS 2 {ros} is here" if ros else "ROS 2 Kilted, wheels",
            ros_size=0 if ros else 50,
        )
    )
    if shutil.which("nvidia-smi") is None:
        print(NO_GPU)
    sys.stdout.flush()


def main() -> None:
    ros = sourced_ros()
    current = fingerprint(ros)
    if STAMP.exists() and STAMP.read_text() == current:
        return
    check_python(ros)
    install_system_packages(missing_build_tools(ros))
    announce(ros)
    make_venv(ros)
    install_packages(ros)
    install_system_packages(missing_libraries())
    STAMP.write_text(current)


if __name__ == "__main__":
    try:
        main()
    except SetUpError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped; the next run goes on.")
