"""A command's end of the wire to a localization node: it hears what the node has to say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from bpnp_ros.live.frame_report import FrameReport

STATUS = "/localization: localization"  # of the node that the commands start
PATIENCE = 100  # messages that may wait while the command is busy


@dataclass(frozen=True, eq=False)
class FoundPose:
    """A pose from the node: its stamp, T_map_camera (4, 4), and when it came (time.monotonic)."""

    stamp_ns: int
    T_map_camera: NDArray[np.float64]
    arrived: float


class NodeLink:
    """status: the node's last diagnostics by key, empty before the first.

    Nothing runs in the background: `spin` lets messages in, on the caller's thread.
    """

    def __init__(self, name: str) -> None:
        self.status: dict[str, str] = {}
        self.message = ""
        self.poses: list[FoundPose] = []
        self.reports: dict[int, FrameReport] = {}
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node(name)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._node.create_subscription(
            DiagnosticArray, "/diagnostics", self._on_diagnostics, PATIENCE
        )

    def spin(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Let messages in for so long, or until the condition holds; whether it does."""
        deadline = time.monotonic() + seconds
        while not until():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._executor.spin_once(timeout_sec=min(left, 0.1))
        return True

    def close(self) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown()

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name != STATUS:
                continue
            self.status = {entry.key: entry.value for entry in status.values}
            self.message = status.message
            report = _frame_report(self.status)
            if report.stamp_ns:
                self.reports[report.stamp_ns] = report


def _frame_report(status: dict[str, str]) -> FrameReport:
    """What the diagnostics say of the keypoints answered last."""
    seconds, _, fraction = status.get("stamp", "0").partition(".")
    category = status.get("category", "")
    return FrameReport(
        stamp_ns=int(seconds) * 10**9 + int(fraction or 0),
        state=status["state"],
        proposer="" if category else status.get("proposer", ""),
        category=category,
        inliers=0 if category else int(status.get("inliers", 0)),
        seconds=float(status.get("latency_ms", 0.0)) / 1e3,
    )
