"""What map files say of points beside their positions, each in one form whatever wrote it.

A value that cannot be is unknown, which is NaN for numbers, -1 for labels, 0 for colours: a map is
not refused for what it has beside its positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]

UNKNOWN_LABEL = -1
_NAN = 0x7FC00000  # not a number, written for no colour; opaque colours of PCL are NaN of others

_RGB = ("red", "green", "blue")
_NORMAL = ("nx", "ny", "nz")
DIRECTION = ("angle_x", "angle_y", "angle_z")
_ALIASES = {
    "rgb": ("rgba",),
    **{channel: (channel[0], f"diffuse_{channel}") for channel in _RGB},
    **{name: (f"normal_{name[1]}",) for name in _NORMAL},
    "label": ("class", "classification", "class_id"),
}
_STANDARD = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}
_NAMES = {"x", "y", "z", *_ALIASES, *DIRECTION, "intensity", "size", "sign", "detectability"}


def standard_name(field: str) -> str | None:
    """The name under which a field of a file is used; None for one that is not."""
    name = field.strip().lower().removeprefix("scalar_")  # as CloudCompare writes it
    name = _STANDARD.get(name, name)
    return name if name in _NAMES else None


def standard_names(fields: list[str]) -> dict[str, int]:
    """Which field is used under which name: of several, the first."""
    chosen: dict[str, int] = {}
    for at, field in enumerate(fields):
        name = standard_name(field)
        if name is not None:
            chosen.setdefault(name, at)
    return chosen


def read_cues(columns: Columns) -> dict[str, NDArray[Any]]:
    """Columns (N,) under their standard names -> the cues of a `PointMap`."""
    cues: dict[str, NDArray[Any]] = {}
    if all(channel in columns for channel in _RGB):
        cues["rgb"] = _colours([columns[channel] for channel in _RGB])
    elif "rgb" in columns:
        cues["rgb"] = _unpacked(columns["rgb"])
    if "intensity" in columns:
        cues["intensity"] = _real(columns["intensity"])
    if "label" in columns:
        cues["label"] = _labels(columns["label"])
    if "size" in columns:
        size = _real(columns["size"])
        cues["size"] = np.where(size >= 0, size, np.float32(np.nan))
    if "sign" in columns:
        cues["sign"] = np.clip(_real(columns["sign"]), -1, 1)
    if all(axis in columns for axis in _NORMAL):
        cues["normals"] = np.stack([_real(columns[axis]) for axis in _NORMAL], axis=1)
    if all(axis in columns for axis in DIRECTION):
        vectors = np.stack([_real(columns[axis]) for axis in DIRECTION], axis=1)
        cues["angle"] = _of_length_one(vectors)
    return cues


def read_detectability(columns: Columns) -> NDArray[np.float64] | None:
    """(N,), 1 where it is not a number, as in files without; None where there is no column."""
    if "detectability" not in columns:
        return None
    chance = columns["detectability"].astype(np.float64)
    return np.where(np.isnan(chance), 1.0, chance)


def _real(values: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):
        single = values.astype(np.float32)
    single[~np.isfinite(single)] = np.nan
    return single


def _of_length_one(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 3), NaN for those that point nowhere."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = vectors / largest
        return np.asarray(scaled / np.linalg.norm(scaled, axis=1, keepdims=True), np.float32)


def _labels(values: NDArray[Any]) -> NDArray[np.int32]:
    limits = np.iinfo(np.int32)
    with np.errstate(over="ignore", invalid="ignore"):
        known = (values >= limits.min) & (values <= limits.max) & (values == np.trunc(values))
        return np.where(known, values, UNKNOWN_LABEL).astype(np.int32)


def _colours(channels: list[NDArray[Any]]) -> NDArray[np.uint8]:
    """Three channels (N,) of 8 or 16 bits, or real from 0 to 1 -> (N, 3)."""
    if all(channel.dtype == np.uint8 for channel in channels):
        return np.stack(channels, axis=1)
    values = np.nan_to_num(np.stack(channels, axis=1).astype(np.float32), posinf=0, neginf=0)
    brightest = values.max(initial=0)
    if all(channel.dtype.kind == "f" for channel in channels) and brightest <= 1:
        values *= 255
    elif brightest > 255:
        values /= 257  # 65535 is 255
    colours: NDArray[np.uint8] = np.round(values).clip(0, 255).astype(np.uint8)
    return colours


def _unpacked(packed: NDArray[Any]) -> NDArray[np.uint8]:
    """Colours as PCL packs them: 0xAARRGGBB as an integer, or as a float of the same bits."""
    if packed.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            single = packed.astype(np.float32)
            written_out = (single >= 1) & (single < 1 << 24)  # by older PCL, in text
            whole = np.where(written_out, single, 0).astype(np.uint32)
        bits = np.where(written_out, whole, single.view(np.uint32))
    else:
        bits = packed.astype(np.uint32)
    bits = np.where(bits == _NAN, 0, bits)
    return np.stack([(bits >> shift & 255).astype(np.uint8) for shift in (16, 8, 0)], axis=1)


def packed_rgb(rgb: NDArray[np.floating]) -> NDArray[np.float32]:
    """Colours (M, 3) of 0 to 255 -> PCL's `rgb` (M,), 0x00RRGGBB as the bits of a float32.

    NaN where a colour is not known.
    """
    known = np.isfinite(rgb).all(axis=1)
    red, green, blue = np.where(known[:, None], rgb, 0).clip(0, 255).round().astype(np.uint32).T
    packed = (red << 16 | green << 8 | blue).view(np.float32)
    return np.where(known, packed, np.float32(np.nan))
