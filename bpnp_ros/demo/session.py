"""A live run: wait for the node, send the stream at its own pace, keep what comes back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from bpnp_ros.demo.score import DemoRecord, score_demo
from bpnp_ros.demo.stream import DemoStream
from bpnp_ros.demo.table import Display, Now
from bpnp_ros.errors import BpnpError
from bpnp_ros.evaluation.trajectory import NANOSECONDS, Trajectory
from bpnp_ros.live.node_process import NodeProcess
from bpnp_ros.live.readiness import wait_until_ready

if TYPE_CHECKING:
    from bpnp_ros.demo.link import DemoLink

REDRAWN = 0.5  # seconds
LAST_ANSWERS = 3.0  # seconds given to what is under way at the end


class Session:
    """One run of a stream. What has come back can be had at any time, also after Ctrl-C."""

    def __init__(self, stream: DemoStream, link: DemoLink, node: NodeProcess) -> None:
        self._stream, self._link, self._node = stream, link, node
        self._stamps_ns = np.round(stream.path.stamps * NANOSECONDS).astype(np.int64)
        self._sent_at: list[float] = []

    @property
    def started(self) -> bool:
        return bool(self._sent_at)

    def wait_until_ready(self, timeout: float, display: Display) -> None:
        """Give map and camera, wait for the node. Raises BpnpError that says what is missing."""
        link = self._link
        link.send_map(self._stream.map_points)

        def remind() -> None:
            link.send_camera_info(time.time_ns())

        wait_until_ready(link, self._node, remind, display.wait, timeout)
        if self._stream.images and not link.spin(timeout, until=lambda: link.images_are_heard):
            raise BpnpError(f"no keypoint detector subscribed to image within {timeout:.0f} s.")

    def play(self, display: Display) -> None:
        """Send every message when its time has come, then wait for the last answers."""
        self._stamps_ns = self._stamps_ns + time.time_ns()
        start, redraw = time.monotonic(), 0.0
        for frame, seconds in enumerate(self._stream.path.stamps):
            self._link.spin(start + seconds - time.monotonic())
            stamp = int(self._stamps_ns[frame])
            self._link.send_camera_info(stamp)
            self._send(stamp, frame)
            self._sent_at.append(time.monotonic())
            if seconds >= redraw:
                self._node.check()
                self._show(display, float(seconds))
                redraw = seconds + REDRAWN
        last = int(self._stamps_ns[-1])
        self._link.spin(LAST_ANSWERS, until=lambda: last in self._link.reports)
        self._link.spin(REDRAWN)  # TF travels on its own
        self._show(display, float(self._stream.path.stamps[-1]))
        self._node.check()

    def record(self) -> DemoRecord:
        """The run so far."""
        sent, poses = len(self._sent_at), self._link.poses
        stamps = self._stamps_ns[:sent]
        found = np.array([pose.T_map_camera for pose in poses]).reshape(-1, 4, 4)
        sent_at = dict(zip(stamps.tolist(), self._sent_at, strict=True))
        delays = [pose.arrived - sent_at.get(pose.stamp_ns, pose.arrived) for pose in poses]
        return DemoRecord(
            sent=Trajectory(stamps, self._stream.path.T_map_camera[:sent]),
            kidnaps=tuple(frame for frame in self._stream.path.kidnaps if frame < sent),
            published=Trajectory(np.array([pose.stamp_ns for pose in poses], np.int64), found),
            latency=np.array(delays, np.float64),
            reports=tuple(self._link.reports.values()),
        )

    def _send(self, stamp: int, frame: int) -> None:
        if self._stream.images:
            self._link.send_image(stamp, self._stream.images[frame])
        else:
            self._link.send_keypoints(stamp, self._stream.keypoints[frame])

    def _show(self, display: Display, seconds: float) -> None:
        """Score what was answered; what is under way does not count yet."""
        record = self.record()
        if record.reports:
            record = record.until(record.reports[-1].stamp_ns)
            duration = float(self._stream.path.stamps[-1])
            score = score_demo(record, self._stream.proposer)
            display.update(Now(seconds, duration, record.reports[-1]), record, score)
