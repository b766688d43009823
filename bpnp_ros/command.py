"""How every command ends: with an exit status, and with a line for people when it ends early."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from rich.console import Console

from bpnp_ros.errors import BpnpError

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
