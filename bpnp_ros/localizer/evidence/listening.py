"""Whoever wants to see the poses that the gate compares listens; no part has to pass it on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor

from bpnp_ros.localizer.candidates import Candidates

Listener = Callable[[Candidates, Tensor], None]
"""Takes the candidates and their scores (P,), nats."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """`listener` hears every comparison made meanwhile in this thread."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)


def tell(candidates: Candidates, score: Tensor) -> None:
    """Called by the gate."""
    listener = _listener.get()
    if listener is not None:
        listener(candidates, score)
