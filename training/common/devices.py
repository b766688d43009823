"""Where to compute: the GPU that was asked for, or the CPU with a warning."""

from __future__ import annotations

import sys
from typing import Any

import torch


def torch_device(gpu: int | None) -> torch.device:
    """`gpu`, by default the first; the CPU where there is none."""
    if torch.cuda.is_available():
        return torch.device("cuda", gpu or 0)
    _warn(gpu)
    return torch.device("cpu")


def lightning_device(gpu: int | None) -> dict[str, Any]:
    """The same choice as options of lightning.Trainer; a launcher chooses by itself."""
    if gpu is None:
        return {}
    if torch.cuda.is_available():
        return {"accelerator": "gpu", "devices": [gpu]}
    _warn(gpu)
    return {"accelerator": "cpu"}


def _warn(gpu: int | None) -> None:
    if gpu is not None:
        print(f"warning: no CUDA, so GPU {gpu} is not used but the CPU.", file=sys.stderr)
