"""What a run leaves behind.

config.yaml, starts.jsonl (command and revision of each start), metrics.jsonl (a line an epoch),
tensorboard/, last.ckpt and best.ckpt.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import torch

from bpnp_ros.errors import ConfigError
from training.common.settings import Settings

CONFIG, STARTS, METRICS = "config.yaml", "starts.jsonl", "metrics.jsonl"
LAST, BEST, TENSORBOARD = "last.ckpt", "best.ckpt", "tensorboard"


def require_no_run(folder: Path) -> None:
    """Raises ConfigError if the folder holds a run already."""
    if (folder / LAST).exists():
        raise ConfigError(
            f"{folder} holds a run; go on with --resume {folder}, or name another folder."
        )


def require_run(folder: Path) -> None:
    """Raises ConfigError if there is no run in the folder to go on with."""
    if not (folder / CONFIG).exists():
        raise ConfigError(f"there is no run in {folder} to go on with.")


def begin(folder: Path, settings: Settings) -> None:
    """Write down what is about to be trained, and with which code."""
    folder.mkdir(parents=True, exist_ok=True)
    settings.save(folder / CONFIG)
    start = {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(sys.argv),
        "revision": revision(),
        "torch": torch.__version__,
    }
    with (folder / STARTS).open("a") as file:
        file.write(json.dumps(start) + "\n")


def revision() -> str:
    """The commit of this code, with "-dirty" where it was changed since; "" outside git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    here = Path(__file__).parent
    git = subprocess.run(command, capture_output=True, text=True, check=False, cwd=here)
    return git.stdout.strip()
