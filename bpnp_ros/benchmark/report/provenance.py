"""Where and how figures came about."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bpnp_ros import __version__

PACKAGES = ("torch", "numpy", "opencv-python", "opencv-python-headless", "poselib")


@dataclass(frozen=True)
class Provenance:
    """In words, for the page."""

    command: str
    date: str
    machine: str
    versions: str

    @classmethod
    def of(cls, command: Sequence[str]) -> Provenance:
        """This machine, today."""
        return cls(
            command=shlex.join(command),
            date=date.today().isoformat(),
            machine=f"one thread of {_processor()} ({os.cpu_count()} cores)",
            versions=", ".join(_versions()),
        )


def _versions() -> Iterator[str]:
    yield f"bpnp_ros {__version__}"
    yield f"Python {platform.python_version()}"
    for package in PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue  # OpenCV goes by several names, and may come from the system


def _processor() -> str:
    """What the machine's processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
