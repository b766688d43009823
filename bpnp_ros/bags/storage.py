"""What every kind of storage file offers, intact or not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Protocol

from bpnp_ros.backends.rosbags import RawMessage

Complain = Callable[[str], None]
"""Told in a sentence what is damaged."""


class Storage(Protocol):
    """One file of a bag."""

    path: Path

    def topics(self) -> dict[str, tuple[str, int]]:
        """Type and number of messages by topic."""

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Those of some topics. Raises BagError where damage begins that others may get past."""

    def close(self) -> None:
        """No more is read."""
