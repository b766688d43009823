"""How far a long computation is, in one line."""

from __future__ import annotations

import sys


def show(line: str) -> None:
    """On a terminal the next line takes the place of this one."""
    print(line, end="\r" if sys.stdout.isatty() else "\n", flush=True)
