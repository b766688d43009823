"""The same bag once more, through DDS, into a localization node in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.bags.messages import COMPRESSED_IMAGE
from bpnp_ros.bags.reading import Recorded
from bpnp_ros.configuration.parameters import DetectorConfig
from bpnp_ros.errors import BpnpError
from bpnp_ros.evaluation.metrics import NOWHERE
from bpnp_ros.live.node_process import (
    NodeProcess,
    Parameters,
    module_command,
    node_command,
)
from bpnp_ros.live.readiness import wait_until_ready
from bpnp_ros.nodes.runner import ros_needed
from bpnp_ros.replay.configuration import changed
from bpnp_ros.replay.live.score import LiveRecord
from bpnp_ros.replay.results import DETECTOR_LOG, NODE_LOG
from bpnp_ros.replay.session import Replay
from bpnp_ros.runtime.conversions import nanoseconds

if TYPE_CHECKING:
    from bpnp_ros.replay.live.link import ReplayLink

Array = NDArray[np.float64]

OF_A_ROBOT = ("autostart", "tf_mode", "base_frame", "odom_frame", "pose_frame")
LAST_ANSWERS = 15.0  # seconds given to what is under way at the end
CONNECTING = 30.0  # seconds


@contextmanager
def live_replay(replay: Replay, parameters: Parameters, folder: Path) -> Iterator[LiveReplay]:
    """Nodes and link, ready to be played to; the logs go into `folder`.

    parameters: of localization and keypoint_detector, as for the replay; poses are the camera's,
    whatever they say of a robot. Raises BpnpError where there is no ROS.
    """
    given = {name: v for name, v in changed(parameters).items() if name not in OF_A_ROBOT}
    of_detector = {entry.name for entry in fields(DetectorConfig)} & given.keys()
    detection = {name: given.pop(name) for name in sorted(of_detector)}
    commands = {NODE_LOG: node_command(given | {"tf_mode": "none"})}
    if replay.topics.image:
        commands[DETECTOR_LOG] = module_command(detection, "keypoint_detector")
    with ros_needed():
        from bpnp_ros.replay.live.link import ReplayLink
    with ExitStack() as stack:
        link = ReplayLink()
        stack.callback(link.close)
        nodes = [stack.enter_context(NodeProcess(c, folder / log)) for log, c in commands.items()]
        yield LiveReplay(replay, link, nodes)


class LiveReplay:
    """Sends a bag's messages at the pace of their recording, and keeps what comes back."""

    def __init__(self, replay: Replay, link: ReplayLink, nodes: list[NodeProcess]) -> None:
        self._replay, self._link, self._nodes = replay, link, nodes
        self._sent_at: dict[int, float] = {}
        topics, image = replay.topics, replay.topics.image
        compressed = bool(image) and replay.bag.topics[image].kind == COMPRESSED_IMAGE
        source = ("image/compressed" if compressed else "image") if image else "keypoints"
        self._names = {
            topics.source: source,
            topics.map: "point_map",
            topics.camera_info: "camera_info",
        }
        self._source = source

    def get_ready(self, timeout: float, say: Callable[[str], None]) -> None:
        """Send map and camera and wait. Raises BpnpError that says what is missing."""
        topics, bag = self._replay.topics, self._replay.bag
        first = {t: next(bag.messages([t]), None) for t in (topics.map, topics.camera_info) if t}

        def remind() -> None:
            info = first.get(topics.camera_info)
            if info is not None:
                self._link.send("camera_info", info.raw)

        if (latched := first.get(topics.map)) is not None:
            self._link.send("point_map", latched.raw)
        wait_until_ready(self._link, self._nodes[0], remind, say, timeout)
        if not self._link.spin(CONNECTING, until=lambda: self._link.heard_by(self._source) > 0):
            raise BpnpError(f"nobody subscribes to {self._source}.")

    def play(self, rate: float, advance: Callable[[], None]) -> None:
        """`rate`: how many times as fast as it was recorded."""
        start, first = time.monotonic(), 0
        for recorded in self._replay.bag.messages(self._replay.topics.all):
            first = first or recorded.log_time
            due = start + (recorded.log_time - first) / 1e9 / rate
            self._link.spin(due - time.monotonic())
            if recorded.topic != self._replay.topics.map:
                self._send(recorded)
            if recorded.topic == self._replay.topics.source:
                self._nodes[0].check()
                advance()
        last = next(reversed(self._sent_at), 0)
        self._link.spin(LAST_ANSWERS, until=lambda: last in self._link.reports)
        self._link.spin(1.0)  # the pose travels beside its report

    def record(self) -> LiveRecord:
        """The run so far, in the order of the replay's messages."""
        played = [p for p in self._replay.played if p.stamp_ns in self._sent_at]
        found, latency = np.full((len(played), 4, 4), np.nan), np.full(len(played), np.nan)
        on_arrival = found.copy()
        poses = {pose.stamp_ns: pose for pose in self._link.poses}
        for row, message in enumerate(played):
            pose = poses.get(message.stamp_ns)
            if pose is not None:
                found[row] = pose.T_map_camera
                latency[row] = pose.arrived - self._sent_at[message.stamp_ns]
                on_arrival[row] = self._truth(message.stamp_ns, latency[row], message.frame_id)
        reports = {s: r for s, r in self._link.reports.items() if s in self._sent_at}
        return LiveRecord(found, reports, latency, on_arrival)

    def _send(self, recorded: Recorded) -> None:
        self._link.send(self._names[recorded.topic], recorded.raw)
        if recorded.topic == self._replay.topics.source:
            self._sent_at[nanoseconds(recorded.message.header.stamp)] = time.monotonic()

    def _truth(self, stamp_ns: int, seconds: float, camera: str) -> Array:
        """Where the camera was so long after a message."""
        truth = self._replay.truth
        T = truth.at(stamp_ns + round(1e9 * seconds), camera) if truth else None
        return NOWHERE if T is None else T
