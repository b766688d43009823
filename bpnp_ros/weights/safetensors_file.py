"""Tensors and a header in one safetensors file, read without running anything in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from bpnp_ros.errors import WeightsError
from bpnp_ros.whole_file import written_whole

FORMAT_VERSION = 1
_HEADER_KEY = "bpnp_ros"


@dataclass(frozen=True)
class WeightsHeader:
    """What a file of weights is; everything must be expressible in JSON.

    architecture: name of the network, such as "bpnpnet". map: the map the weights were trained for,
    empty for any map. training: the run they come from (command, seed, epoch, figures).
    """

    architecture: str
    map: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


def save_weights(path: Path, tensors: dict[str, Tensor], header: WeightsHeader) -> None:
    """Write tensors and header; `path` is replaced at once or not at all."""
    text = json.dumps({"version": FORMAT_VERSION, **asdict(header)}, sort_keys=True)
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with _damage_told(path):
        from safetensors.torch import save
    with written_whole(path) as partial:
        partial.write_bytes(save(contiguous, metadata={_HEADER_KEY: text}))


def load_weights(path: Path, *architectures: str) -> tuple[dict[str, Tensor], WeightsHeader]:
    """Read what `save_weights` wrote; tensors come on the CPU.

    Raises WeightsError, with advice, for a file that is missing, truncated, not ours, of a newer
    version, of none of the architectures that are asked for, or with NaN or infinity in it.
    """
    header = read_header(path)
    with _damage_told(path):
        from safetensors.torch import load_file

        tensors = load_file(path)
    if header.architecture not in architectures:
        asked = " or ".join(f"'{architecture}'" for architecture in architectures)
        raise WeightsError(
            f"{path} holds weights of '{header.architecture}', but {asked} is asked for."
        )
    odd = next((name for name, tensor in tensors.items() if not _is_finite(tensor)), None)
    if odd is not None:
        raise WeightsError(f"{path} holds NaN or infinity in '{odd}'; take an earlier file.")
    return tensors, header


def read_header(path: Path) -> WeightsHeader:
    """What a file of weights says of itself. Raises WeightsError as `load_weights` does."""
    if not path.is_file():
        raise WeightsError(f"There are no weights at {path}; check the path, or train some.")
    with _damage_told(path):
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:
            return _parse_header(path, file.metadata())


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        from safetensors import SafetensorError
    except ImportError as error:
        raise WeightsError(
            f"safetensors, which {path} is written with, cannot be loaded ({error}): "
            "pip install safetensors."
        ) from error
    try:
        yield
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path} is truncated or no safetensors file ({error}); copy it again, or train again."
        ) from error


def _is_finite(tensor: Tensor) -> bool:
    whole = not (tensor.is_floating_point() or tensor.is_complex())
    return whole or bool(tensor.float().isfinite().all())


def _parse_header(path: Path, metadata: dict[str, str] | None) -> WeightsHeader:
    text = (metadata or {}).get(_HEADER_KEY)
    if text is None:
        raise WeightsError(f"{path} was not written by bpnp_ros: it has no '{_HEADER_KEY}' header.")
    try:
        fields = json.loads(text)
        version = fields.pop("version")
        if version > FORMAT_VERSION:
            raise WeightsError(f"{path} has format {version}; update bpnp_ros to read it.")
        return WeightsHeader(**fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(f"The header of {path} is damaged ({error}); copy it again.") from error
