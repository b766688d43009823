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
from typing import Any

import torch
from torch import Tensor

from bpnp_ros.errors import ConfigError, WeightsError
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


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a .ckpt, epoch and state_dict among it; nothing in the file is run.

    Raises WeightsError.
    """
    if not path.is_file():
        raise WeightsError(f"There is no checkpoint at {path}; check the path.")
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        epoch, state = content["epoch"], content["state_dict"]
        whole = isinstance(epoch, int) and all(isinstance(w, Tensor) for w in state.values())
    except Exception as error:  # a damaged pickle can raise anything
        raise WeightsError(f"{path} is damaged or no checkpoint of ours; copy it again.") from error
    if not whole:
        raise WeightsError(f"{path} is no checkpoint of ours; name last.ckpt of a run.")
    return content


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
