"""Whether a map fits into memory, told before any is taken for it."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from bpnp_ros.errors import MapError

BYTES_A_POINT = 120  # while a map is read and cleaned: positions, some cues, copies of both
GIB = 2**30
_allowed: ContextVar[float] = ContextVar("allowed", default=float("inf"))
_OF_GROUP = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current"))


@contextmanager
def limited_to(allowed: float) -> Iterator[None]:
    """Maps that take more than so many bytes to read are refused inside."""
    token = _allowed.set(allowed)
    try:
        yield
    finally:
        _allowed.reset(token)


def refuse_without_memory(points: int, path: Path) -> None:
    """Raise MapError, with numbers, for more points than there is memory for, or is allowed."""
    needed, free, allowed = points * BYTES_A_POINT, available(), _allowed.get()
    needs = f"{path} holds {points:,} points, which need {needed / GIB:.1f} GiB to read; "
    remedy = "Thin it first, for example with Open3D's voxel_down_sample, or "
    if needed > allowed:
        raise MapError(f"{needs}memory_limit allows {allowed / GIB:g}. {remedy}raise the limit.")
    if free is not None and needed > free:
        raise MapError(f"{needs}{free / GIB:.1f} GiB are free. {remedy}free memory.")


def available() -> int | None:
    """Bytes that this process may still take; None where the system does not say."""
    limits = [_of_machine(), _of_group(), _of_process()]
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = (line.split() for line in lines if line.startswith("MemAvailable:"))
    return next((int(words[1]) * 1024 for words in found), None)


def _of_group() -> int | None:
    """Of a container."""
    try:
        most, taken = (path.read_text(encoding="ascii").strip() for path in _OF_GROUP)
    except OSError:
        return None
    return int(most) - int(taken) if most.isdigit() and taken.isdigit() else None


def _of_process() -> int | None:
    """Of ulimit -v."""
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return None
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return max(most - pages * resource.getpagesize(), 0)
