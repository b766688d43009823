"""The one boundary of every command and node: whatever happens becomes a sentence and a status.

It imports nothing heavy, so that a command can import the rest inside of it.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from bpnp_ros.errors import BpnpError

COULD_NOT_RUN, UNEXPECTED, INTERRUPTED = 2, 70, 130
DEBUG = "BPNP_DEBUG"
"""Set to anything, this environment variable shows the traceback of every error."""

_ADVICE = {
    errno.ENOSPC: "free some space, or write elsewhere",
    errno.EDQUOT: "free some space, or write elsewhere",
    errno.EACCES: "check who may read and write there",
    errno.EROFS: "name a place that can be written to",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "a part of the path is a file; name a folder",
    errno.EISDIR: "name a file",
    errno.EEXIST: "name another place",
}


def run_command(command: Callable[[], int | None], interrupted: str = "interrupted") -> NoReturn:
    """End the process with the `exit_status` of a command, which SIGTERM stops as Ctrl-C does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(exit_status(command, interrupted))


def exit_status(command: Callable[[], int | None], interrupted: str = "interrupted") -> int:
    """What `command` returns, COULD_NOT_RUN, UNEXPECTED or, after Ctrl-C, INTERRUPTED.

    Every status but the command's own comes with a sentence on stderr.
    interrupted: what to say after Ctrl-C.
    """
    try:
        return command() or 0
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if os.environ.get(DEBUG):
            traceback.print_exc()
        status, sentence = verdict(error)
        print(f"error: {sentence}", file=sys.stderr)
        return status


def verdict(error: Exception) -> tuple[int, str]:
    """The exit status that an error means, and the sentence for people."""
    if isinstance(error, BpnpError):
        return COULD_NOT_RUN, str(error)
    if isinstance(error, OSError):
        return COULD_NOT_RUN, _about_system(error)
    if isinstance(error, MemoryError):
        return COULD_NOT_RUN, f"there is not enough memory ({error}); ask for less at a time."
    return UNEXPECTED, _about_bug(error)


def _about_system(error: OSError) -> str:
    """What the operating system refused, where, and what to do."""
    what = error.strerror or str(error) or type(error).__name__
    where = f"{error.filename}: " if error.filename is not None else ""
    advice = _ADVICE.get(error.errno or 0)
    return f"{where}{what}; {advice}." if advice else f"{where}{what}."


def _about_bug(error: Exception) -> str:
    first_line = str(error).partition("\n")[0]
    what = f"unexpected {type(error).__name__}: {first_line}".rstrip(": ")
    try:
        descriptor, log = tempfile.mkstemp(".log", "bpnp_ros_", text=True)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{' '.join(sys.argv)}\n{''.join(traceback.format_exception(error))}")
    except OSError:
        return f"{what}. Please report it with the command and what {DEBUG}=1 shows."
    return f"{what}. Please report it with the command and {log}, which says where it happened."


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
