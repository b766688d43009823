"""A stage for scenarios: a launched node, what a robot sends it over DDS, and the truth.

Frames go out one by one, each when the one before was answered, a tenth of a second apart by their
stamps; so a busy machine makes a scenario slower, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from geometry_msgs.msg import PoseWithCovarianceStamped
from rooms import CAMERA, pose_error, world
from sensor_msgs.msg import CameraInfo, PointCloud2

from bpnp_ros.demo.link import MAP_FRAME, DemoLink
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.live.frame_report import FrameReport
from bpnp_ros.live.node_process import NodeProcess, isolate, module_command
from bpnp_ros.live.readiness import wait_until_ready
from bpnp_ros.nodes.messages import header, pose_message
from bpnp_ros.nodes.qos import RELIABLE, SENSOR
from bpnp_ros.runtime.frames import T_LEVEL_CAMERA
from bpnp_ros.simulation.boxes import Array
from bpnp_ros.simulation.camera_path import make_camera_path
from bpnp_ros.simulation.observation import DetectorNoise, observe
from bpnp_ros.simulation.world import World

PARAMETERS: dict[str, str | bool | float] = {
    "tf_mode": "camera",
    "camera_height_min": 1.2,
    "camera_height_max": 1.8,
    "bank_views": 6000,
    "use_bpnpnet": False,
}
STEP = 100_000_000  # nanoseconds between frames
PATIENCE = 90.0  # seconds; the first node of a fresh checkout compiles
RESENT = 3.0  # seconds after which a frame may have been lost on its way
WRONG_METRES, WRONG_DEGREES = 0.5, 5.0
QUIET = DetectorNoise()


@cache
def walk(seed: int = 0, frames: int = 250) -> Array:
    """Poses (frames, 4, 4) of a camera in the rooms."""
    return make_camera_path(world().plan, seed, frames / 10, 10.0, 0).T_map_camera


class StageLink(DemoLink):
    """The demo's end of the wire, whose camera may change, and whose processes may start anew."""

    def __init__(self) -> None:
        super().__init__(CAMERA)
        self.initialpose = self._node.create_publisher(
            PoseWithCovarianceStamped, "initialpose", RELIABLE
        )

    def start_anew(self) -> None:
        """As if camera and detector had been ended, and started again."""
        for publisher in (self._camera_info, self._keypoints):
            self._node.destroy_publisher(publisher)
        self._camera_info = self._node.create_publisher(CameraInfo, "camera_info", SENSOR)
        self._keypoints = self._node.create_publisher(PointCloud2, "keypoints", SENSOR)


@dataclass(eq=False)
class Stage:
    """truth: T_map_camera (4, 4) by the stamp of the frame, in the map that was published."""

    link: StageLink
    node: NodeProcess
    log: Path
    shown: World = field(default_factory=world)
    camera: Camera = CAMERA
    truth: dict[int, Array] = field(default_factory=dict)
    offset: Array = field(default_factory=lambda: np.zeros(3))
    stamp: int = field(default_factory=time.time_ns)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def get_ready(self) -> None:
        def remind() -> None:
            self.link.send_camera_info(self.stamp)

        wait_until_ready(self.link, self.node, remind, lambda reason: None, PATIENCE)

    def see(self, T: Array, noise: DetectorNoise = QUIET) -> FrameReport:
        """One frame from a pose (4, 4) of the rooms; what the node said of it."""
        return self.send(
            observe(self.shown, T, self.camera, noise, self.rng).pixels.astype(float), T
        )

    def send(self, pixels: Array, T: Array) -> FrameReport:
        """Keypoints (M, 2) of a camera at a pose (4, 4)."""
        self.stamp += STEP
        moved = T.copy()
        moved[:3, 3] += self.offset
        stamp, self.truth[self.stamp] = self.stamp, moved
        scored = np.column_stack([pixels, np.ones(len(pixels))]).astype(np.float32)
        deadline = time.monotonic() + PATIENCE
        while stamp not in self.link.reports and time.monotonic() < deadline:
            self.link.send_camera_info(stamp)
            self.link.send_keypoints(stamp, scored)
            self.link.spin(RESENT, lambda: stamp in self.link.reports)
        self.node.check()
        report = self.link.reports[stamp]
        if not report.category:  # TF travels on its own
            self.link.spin(RESENT, lambda: any(p.stamp_ns == stamp for p in self.link.poses))
        return report

    def follow(self, poses: Iterable[Array], noise: DetectorNoise = QUIET) -> list[FrameReport]:
        return [self.see(T, noise) for T in poses]

    def until_right(self, poses: Iterable[Array]) -> int:
        """How many frames it takes until a right pose is published; all are looked at."""
        for count, T in enumerate(poses, start=1):
            self.see(T)
            if self.link.poses and self.link.poses[-1].stamp_ns == self.stamp:
                metres, degrees = pose_error(
                    self.link.poses[-1].T_map_camera, self.truth[self.stamp]
                )
                if metres < 0.1 and degrees < 1.0:
                    return count
        raise AssertionError(f"no right pose again: {self.link.message}")

    def give_initial_pose(self, T: Array) -> None:
        covariance = np.diag([0.25, 0.25, 0.06, 0.02, 0.02, 0.07])
        T_map_body = T @ np.linalg.inv(T_LEVEL_CAMERA)
        top = header(self.stamp, MAP_FRAME)
        self.link.initialpose.publish(pose_message(top, T_map_body, covariance))
        self.link.spin(0.3)

    @contextmanager
    def nothing_wrong(
        self, metres: float = WRONG_METRES, degrees: float = WRONG_DEGREES
    ) -> Iterator[None]:
        """No pose that is published meanwhile is off by more."""
        first = len(self.link.poses)
        yield
        self.link.spin(0.2)
        for pose in self.link.poses[first:]:
            off, turned = pose_error(pose.T_map_camera, self.truth[pose.stamp_ns])
            assert off < metres and turned < degrees, (off, turned)

    def restart_node(self) -> None:
        self.node.end()
        self.link.status.clear()
        self.node = launched(self.log)
        self.get_ready()


@contextmanager
def staged(
    points: Array | None, log: Path, waits: bool = True, **parameters: str | bool | float
) -> Iterator[Stage]:
    """A node that has been given a map (N, 3), or none; waits: until it wants keypoints."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
            patch.setenv(name, "")  # as it was, afterwards
        isolate(None)
        link = StageLink()
        if points is not None:
            link.send_map(points)
        stage = Stage(link, launched(log, **parameters), log)
        try:
            if waits:
                stage.get_ready()
            yield stage
        finally:
            stage.node.end()
            link.close()


def launched(log: Path, **parameters: str | bool | float) -> NodeProcess:
    return NodeProcess(module_command({**PARAMETERS, **parameters}), log)


def map_server(file: Path, log: Path) -> NodeProcess:
    return NodeProcess(module_command({"map_file": str(file)}, "point_map_server"), log)
