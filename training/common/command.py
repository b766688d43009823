"""How every command of the training ends."""

from __future__ import annotations

import sys
from collections.abc import Callable

from bpnp_ros.errors import BpnpError

FAILED, STOPPED = 1, 130


def exit_status(command: Callable[[], None], stopped: str) -> int:
    """Run a command; its exit status, with a line for people where it ended early.

    stopped: what to say after Ctrl-C.
    """
    try:
        command()
    except BpnpError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"\nstopped; {stopped}")
        return STOPPED
    return 0
