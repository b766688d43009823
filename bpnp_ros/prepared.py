"""What takes seconds to prepare for a map, kept for the next start and found by its contents.

One safetensors file each, in $BPNP_ROS_CACHE, else in `bpnp_ros` below $XDG_CACHE_HOME or ~/.cache.
The name is a digest of all that went into it. A damaged or foreign file is made anew; where none
can be written, nothing is kept. An empty $BPNP_ROS_CACHE switches it off.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.whole_file import written_whole

VERSION = 7
"""Of how things are prepared. Count it up with every change that changes a result."""
MOST_BYTES, MOST_FILES = 1 << 29, 64
_SEAL = "seal"

_log = logging.getLogger(__name__)

Tensors = dict[str, Tensor]


def prepared(name: str, made_of: tuple[Any, ...], make: Callable[[], Tensors]) -> Tensors:
    """What `make` gives, or has given once for the same things; tensors on the CPU.

    made_of: all that the result depends on: tensors, arrays, dataclasses of them, plain values.
    """
    folder = cache_folder()
    if folder is None or find_spec("safetensors") is None:
        return make()
    key = _digest((VERSION, torch.__version__, name, made_of))
    path = folder / f"{name}_{key.hex()}.safetensors"
    kept = _read(path, key)
    if kept is None:
        kept = {what: tensor.cpu().contiguous() for what, tensor in make().items()}
        _keep(path, key, kept)
    return kept


def cache_folder() -> Path | None:
    """Where prepared things are kept, or None where nothing is."""
    chosen = os.environ.get("BPNP_ROS_CACHE")
    if chosen is not None:
        return Path(chosen) if chosen else None
    caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
    with contextlib.suppress(RuntimeError):  # nobody's home
        return (caches if caches.is_absolute() else Path.home() / ".cache") / "bpnp_ros"
    return None


def _read(path: Path, key: bytes) -> Tensors | None:
    """What was kept, or None: it is not there, damaged, or of somebody else."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        tensors = load(path.read_bytes())
        seal = tensors.pop(_SEAL)
        whole = torch.equal(seal, _seal(key, tensors))
        os.utime(path)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, RuntimeError):
        return None
    return tensors if whole else None


def _keep(path: Path, key: bytes, tensors: Tensors) -> None:
    if sum(tensor.nbytes for tensor in tensors.values()) > MOST_BYTES // 2:
        return
    from safetensors.torch import save

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as partial:
            partial.write_bytes(save({**tensors, _SEAL: _seal(key, tensors)}))
        _drop_oldest(path.parent)
    except OSError as error:
        _log.info(f"what was prepared is not kept for the next start: {error}")


def _drop_oldest(folder: Path) -> None:
    """Drop what has not been used for longest, until the rest is few and small enough."""
    sizes = {path: path.stat() for path in folder.glob("*.safetensors*")}
    total = 0
    for count, path in enumerate(sorted(sizes, key=lambda path: -sizes[path].st_mtime)):
        total += sizes[path].st_size
        if count >= MOST_FILES or total > MOST_BYTES:
            path.unlink(missing_ok=True)


def _seal(key: bytes, tensors: Tensors) -> Tensor:
    """What only a whole file of this key holds."""
    return torch.tensor(list(_digest((key, sorted(tensors.items())))), dtype=torch.uint8)


def _digest(value: Any) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    _feed(digest, value)
    return digest.digest()


def _feed(digest: hashlib.blake2b, value: Any) -> None:
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(value.tobytes())
    elif is_dataclass(value):
        _feed(digest, [(field.name, getattr(value, field.name)) for field in fields(value)])
    elif isinstance(value, list | tuple):
        digest.update(f"{len(value)}(".encode())
        for item in value:
            _feed(digest, item)
    else:
        digest.update(f"{value!r};".encode())
