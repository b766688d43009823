"""Configuration fields that tell people what they are.

One dataclass a part; the same names appear in YAML, as ROS parameters and on command lines.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

Range = tuple[float, float]


def setting(
    default: Any,
    description: str,
    unit: str = "",
    range: Range | None = None,
    choices: tuple[str, ...] = (),
    read_only: bool = False,
) -> Any:
    """A dataclass field with its description, unit and inclusive range as metadata."""
    metadata = dict(
        description=description, unit=unit, range=range, choices=choices, read_only=read_only
    )
    return field(default=default, metadata=metadata)
