"""Checkpoints of the paper's code (`.pth.tar`), read without running any code in them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.errors import WeightsError
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.weights.safetensors_file import WeightsHeader, save_weights

_PARALLEL_PREFIX = "module."


@dataclass(frozen=True, eq=False)
class ReferenceCheckpoint:
    """state_dict fits BPnPNet; epoch and best_error are None where the file lacks them."""

    state_dict: dict[str, Tensor]
    epoch: int | None
    best_error: float | None
    optimizer: dict[str, Any] | None


def load_reference_checkpoint(path: Path) -> ReferenceCheckpoint:
    """Read a checkpoint {epoch, state_dict, best_error, optimizer}, also one of DataParallel.

    Raises WeightsError for a file that is missing, is damaged, asks for any code to be run (which
    is named), or whose weights are not those of BPnPNet.
    """
    content = _read(path)
    state_dict = content.get("state_dict")
    if not isinstance(state_dict, Mapping):
        raise WeightsError(f"{path} is no checkpoint of the paper's code: it has no 'state_dict'.")
    weights = {str(key).removeprefix(_PARALLEL_PREFIX): w for key, w in state_dict.items()}
    _check(path, weights)
    epoch, best_error = _number(path, content, "epoch"), _number(path, content, "best_error")
    if epoch is not None and not 0 <= epoch < math.inf:
        raise WeightsError(f"{path} is damaged: it states {epoch} epochs.")
    return ReferenceCheckpoint(
        state_dict=weights,
        epoch=None if epoch is None else int(epoch),
        best_error=best_error,
        optimizer=content.get("optimizer"),
    )


def convert_reference_checkpoint(source: Path, target: Path) -> None:
    """Store the weights of a checkpoint as safetensors, with where they come from."""
    checkpoint = load_reference_checkpoint(source)
    training = {
        "imported_from": source.name,
        "epoch": checkpoint.epoch,
        "best_error": checkpoint.best_error,
    }
    header = WeightsHeader(BPnPNet.architecture, training=training)
    save_weights(target, checkpoint.state_dict, header)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise WeightsError(f"There is no checkpoint at {path}; check the path.")
    try:
        with torch.serialization.safe_globals(_harmless_numpy()):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can raise anything
        raise _refusal(path, error) from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path} is no checkpoint of the paper's code: it holds no dictionary.")
    return content


def _refusal(path: Path, error: Exception) -> WeightsError:
    foreign = re.search(r"GLOBAL (\S+)", str(error))
    if foreign is not None:
        return WeightsError(
            f"{path} asks for '{foreign[1]}' to be run while it is read and is refused: a "
            "checkpoint holds tensors and numbers only. Do not open it with anything else."
        )
    return WeightsError(f"{path} is truncated or no PyTorch checkpoint; copy it again.")


def _number(path: Path, content: dict[str, Any], key: str) -> float | None:
    value = content.get(key)
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise WeightsError(f"{path} is damaged: '{key}' is no number ({error}).") from error


def _harmless_numpy() -> list[Any]:
    """What a pickled numpy number consists of, under the names of numpy 1 and of numpy 2."""
    scalar = type(np.float64(0)).__reduce__(np.float64(0))[0]
    types = [type(np.dtype(code)) for code in ("f4", "f8", "i4", "i8")]
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    return [np.dtype, *types, *((scalar, name) for name in names)]


def _check(path: Path, weights: dict[str, Tensor]) -> None:
    with torch.device("meta"):
        expected = BPnPNet().state_dict()
    odd = sorted(expected.keys() ^ weights.keys())
    if odd:
        what = "lacks" if odd[0] in expected else "has the unknown"
        raise WeightsError(f"{path} is not of BPnPNet: it {what} '{odd[0]}' ({len(odd)} such).")
    for key, tensor in weights.items():
        if not isinstance(tensor, Tensor) or tensor.shape != expected[key].shape:
            raise WeightsError(
                f"{path} is not of BPnPNet: '{key}' is not a tensor of "
                f"{tuple(expected[key].shape)}."
            )
        if not tensor.isfinite().all():
            raise WeightsError(f"{path} holds NaN or infinity in '{key}'; take an earlier epoch.")
