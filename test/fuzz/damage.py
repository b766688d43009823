"""What goes wrong with bytes, numbers, text and arrays, at random."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Choice = TypeVar("Choice")

ODD_REALS = (0.0, -1.0, 1e-30, 1e9, 1e30, 1e300, np.nan, np.inf, -np.inf)
ODD_NAMES = ("", "/", "a" * 5000, "ä\n\x00", "../x", "%s", "map")
_ODD_WORDS = b"0 -1 4 999999999999 1e9 nan x y list float uchar binary ascii DATA".split()


def one_of(rng: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    return choices[int(rng.integers(len(choices)))]


def odd_count(rng: np.random.Generator, bits: int = 32) -> int:
    """A whole number that the wire can carry in so many bits."""
    return int(one_of(rng, (0, 1, 3, int(rng.integers(1 << bits)), (1 << bits) - 1)))


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """One to three kinds of damage: bytes changed, cut off, left out, words swapped."""
    for _ in range(rng.integers(1, 4)):
        kind, at = rng.integers(5), int(rng.integers(max(len(content), 1)))
        if kind == 0:
            content = content[:at] + rng.bytes(1) + content[at + 1 :]
        elif kind == 1:
            content = content[:at]
        elif kind == 2:
            content = content[:at] + content[at + int(rng.integers(1, 20)) :]
        else:
            content = _with_other_word(content, rng)
    return content


def _with_other_word(content: bytes, rng: np.random.Generator) -> bytes:
    words = content[:400].split(b" ")
    words[rng.integers(len(words))] = one_of(rng, _ODD_WORDS)
    return b" ".join(words) + content[400:]


def damage_one_of(folder: Path, rng: np.random.Generator) -> None:
    """Damage a file of the folder, or, rarely, remove it."""
    path = one_of(rng, sorted(path for path in folder.rglob("*") if path.is_file()))
    if rng.random() < 0.05:
        path.unlink()
    else:
        path.write_bytes(damaged(path.read_bytes(), rng))


def with_odd_numbers(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Some of the numbers (any shape) replaced."""
    changed = np.array(values, np.float64)
    if changed.size:
        rows = rng.integers(changed.size, size=rng.integers(1, 4))
        changed.flat[rows] = [one_of(rng, ODD_REALS) for _ in rows]
    return changed


def odd_array(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The array with another shape, type or numbers."""
    kind = rng.integers(5)
    if kind == 0:
        return values[: rng.integers(len(values) + 1)] if values.ndim else values
    if kind == 1:
        return values.reshape(-1) if rng.random() < 0.5 else values[None]
    if kind == 2:
        return values.astype(one_of(rng, ("f2", "c16", "i1", "u8", "S8", "bool")), copy=True)
    if kind == 3:
        return np.array(one_of(rng, (0, 1.5, "text", b"x")))
    return with_odd_numbers(values, rng).astype(
        one_of(rng, (values.dtype, values.dtype, np.dtype("f4")))
    )


def odd_npz(arrays: dict[str, np.ndarray], rng: np.random.Generator) -> bytes:
    """The arrays as a .npz in which one is odd, missing, or the file is damaged."""
    arrays, name = dict(arrays), one_of(rng, sorted(arrays))
    kind = rng.integers(4)
    if kind == 0:
        del arrays[name]
    elif kind < 3:
        with np.errstate(all="ignore"):
            arrays[name] = odd_array(np.asarray(arrays[name]), rng)
    file = io.BytesIO()
    np.savez_compressed(file, **dict[str, Any](arrays))
    return damaged(file.getvalue(), rng) if kind == 3 else file.getvalue()
