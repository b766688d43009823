"""How far something is that takes seconds."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float], None]
"""Told the share that is done, 0 to 1. What it raises ends the work."""


def unheard(share: float) -> None:
    """Progress that nobody follows."""
