"""Waiting for a localization node until all it waits for is keypoints."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from bpnp_ros.errors import BpnpError
from bpnp_ros.live.node_process import NodeProcess

if TYPE_CHECKING:
    from bpnp_ros.live.node_link import NodeLink

REMINDER = 0.5  # seconds between two CameraInfo while the node gets ready


def wait_until_ready(
    link: NodeLink,
    node: NodeProcess,
    remind: Callable[[], None],
    say: Callable[[str], None],
    timeout: float,
) -> None:
    """`remind` sends the CameraInfo again; `say` is told what the node waits for.

    Raises BpnpError that says what is missing.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        node.check()
        remind()
        if link.spin(REMINDER, until=lambda: link.status.get("ready") == "true"):
            return
        say(link.message or "it starts")
    missing = link.message or "nothing was heard of it on the topic diagnostics"
    raise BpnpError(
        f"the node was not ready after {timeout:.0f} s: {missing}; its last lines:\n"
        f"{node.last_lines()}"
    )
