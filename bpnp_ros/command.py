"""How every command ends: with an exit status, and with a line for people when it ends early."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from bpnp_ros.errors import BpnpError

if TYPE_CHECKING:
    from rich.console import Console

COULD_NOT_RUN, INTERRUPTED = 2, 130


def run_command(
    command: Callable[[], int | None], console: Console, interrupted: str = "interrupted"
) -> NoReturn:
    """Exit with what `command` returns, COULD_NOT_RUN or, after Ctrl-C or SIGTERM, INTERRUPTED.

    interrupted: what to say then.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(command())
    except (BpnpError, OSError) as error:
        console.print(str(error), style="red", markup=False)
        sys.exit(COULD_NOT_RUN)
    except KeyboardInterrupt:
        console.print(interrupted)
        sys.exit(INTERRUPTED)


@contextmanager
def loading() -> Iterator[None]:
    """Around a command's imports, which take seconds: Ctrl-C then ends the process at once.

    An exception would come out of the middle of some library, which may turn it into another one.
    """
    before = signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(*_: object) -> NoReturn:
    sys.stderr.write("interrupted\n")
    sys.stderr.flush()
    os._exit(INTERRUPTED)
