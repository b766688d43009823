"""Numba: loops compiled to machine code. The only file that imports numba (0.59 and newer).

The machine code is kept beside the source file, or where that cannot be written in the user's cache
folder; $NUMBA_CACHE_DIR names another. Where nothing can be kept, it is made anew at every start.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

# sums may be reordered, so that they are vectorised; NaN and infinity keep their meaning
_FAST = {"reassoc", "contract", "arcp", "nsz"}


def compiled(function: Function) -> Function:
    """Machine code of a function, made at its first call; it runs without Python's lock.

    What it calls, and constants that it reads, stand in its own folder: Numba looks at nothing but
    the function's file, so its machine code is found by a name that tells all of the folder.
    Raises ImportError where Numba is not installed.
    """
    import numba

    options: dict[str, Any] = {"nogil": True, "fastmath": _FAST, "error_model": "numpy"}
    function.__qualname__ += f"_{contents(Path(function.__code__.co_filename).parent)}"
    try:
        made: Function = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder that can be written
        made = numba.njit(**options)(function)
    return made


@cache
def contents(folder: Path) -> str:
    """A digest of the Python files of a folder."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
