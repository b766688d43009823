"""One folder for the results of one run, and of no other at the same time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bpnp_ros.errors import ConfigError


@contextmanager
def claimed_folder(folder: Path, overwrite: bool) -> Iterator[None]:
    """A folder for the results of this process alone, made where there is none.

    Raises ConfigError for one that another run is writing to, and without `overwrite` for one that
    has something in it. Nothing is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        _lock(lock, folder)
        if any(folder.iterdir()) and not overwrite:
            raise ConfigError(
                f"{folder} is not empty; name another --out, or --overwrite the results in it."
            )
        yield
    finally:
        os.close(lock)


def _lock(descriptor: int, folder: Path) -> None:
    """Until it is closed, or the process ends in whatever way."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ConfigError(f"another run is writing to {folder}; name another --out.") from error
