"""Keypoints in, an answer out: what an active localization node does, off the executor's thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from bpnp_ros.errors import BpnpError, CameraError, ConfigError
from bpnp_ros.localizer.localizer import TRACKING
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.tracker import TRACKER
from bpnp_ros.localizer.types import Fix, Rejection
from bpnp_ros.nodes.outputs import Outputs
from bpnp_ros.nodes.tf import Transforms
from bpnp_ros.nodes.tf_out.map_to_odom import MapToOdom
from bpnp_ros.runtime.answering import Answering, rejection_for
from bpnp_ros.runtime.cameras import Cameras
from bpnp_ros.runtime.conversions import frame_name, frame_of, nanoseconds, read_pose
from bpnp_ros.runtime.frames import Frames
from bpnp_ros.runtime.maps import ActiveMap, Maps
from bpnp_ros.runtime.scheduling.backlog import Backlog
from bpnp_ros.runtime.scheduling.spare_time import SpareTime
from bpnp_ros.runtime.scheduling.worker import Worker
from bpnp_ros.runtime.tally import Tally
from bpnp_ros.runtime.tf.gravity import Gravity
from bpnp_ros.runtime.tf.odometry import Odometry
from bpnp_ros.runtime.tf_buffer import NoTransformError

if TYPE_CHECKING:
    from geometry_msgs.msg import PoseWithCovarianceStamped
    from rclpy.impl.rcutils_logger import RcutilsLogger
    from sensor_msgs.msg import CameraInfo, PointCloud2

PRIOR_FRAMES = 10  # in which an initial pose is tried
REST = 4.0  # times as long as a map or camera took to prepare, until the next may


class DeactivatedError(BpnpError):
    """Work that was under way when the node was deactivated."""


class Pipeline:
    """From activation to deactivation. `on_...` methods belong to the executor's thread."""

    def __init__(
        self,
        maps: Maps,
        cameras: Cameras,
        transforms: Transforms,
        outputs: Outputs,
        tally: Tally,
        on_news: Callable[[], None],
        clock: Callable[[], int],
        logger: RcutilsLogger,
    ) -> None:
        self.maps, self.cameras, self.tally = maps, cameras, tally
        self.enabled, self.ready, self.preparing = True, False, False
        self.progress = 0.0
        """Share of the preparation that is done."""
        self.map_waiting = ""
        """Why a newer map has not been taken yet."""
        self._closing = False
        self._rest_until = {"map": 0.0, "prepare": 0.0}
        self._transforms, self._outputs = transforms, outputs
        self._frames = Frames(maps.settings, transforms)
        self._map_to_odom = MapToOdom(transforms)
        self._on_news, self._clock, self._logger = on_news, clock, logger
        self._given: PoseWithCovarianceStamped | None = None
        self._given_frames = 0
        look_up = partial(transforms.lookup, patience=maps.settings.transform_timeout)
        odometry = Odometry(maps.settings, transforms).at
        self.gravity = Gravity(maps.settings, transforms)
        asked = (self._start_anew, odometry, self.gravity.up_in)
        self._answering = Answering(maps, cameras, look_up, *asked)
        self._backlog = Backlog()
        self._pace = 0.0  # seconds that a tracked frame takes, on average
        self.mismatches: dict[str, str] = {}  # by topic, a publisher whose QoS does not fit
        self._spare_time = SpareTime()
        purposes = ("reset", "map", "prepare", "keypoints", "look around")
        self._worker = Worker(purposes, self._on_error)
        self._worker.submit("reset", self._reset)
        self._worker.submit("prepare", self._prepare)

    @property
    def dropped(self) -> int:
        return self._backlog.dropped

    def close(self, patience: float) -> None:
        """End the worker; wait at most `patience` seconds for what is under way."""
        self._closing = True
        self._worker.stop(patience)

    def on_map(self, message: PointCloud2) -> None:
        """The newest is taken, but not before the last has been of some use."""
        rest = self._rest_until["map"] - time.monotonic()
        if rest > 0 and self.maps.is_news(message):
            self.map_waiting = f"the map changes often; the newest is taken in {rest:.0f} s"
            self._logger.warning(self.map_waiting, throttle_duration_sec=10.0)
        self._worker.submit("map", partial(self._take_map, message), self._rest_until["map"])

    def on_camera_info(self, info: CameraInfo) -> None:
        self.tally.camera = frame_of(info.header)
        news = self.cameras.update(info)
        if isinstance(news, CameraError):
            self._logger.error(str(news))
        elif news is not None:
            self._worker.submit("prepare", self._prepare, self._rest_until["prepare"])

    def on_initialpose(self, message: PoseWithCovarianceStamped) -> None:
        self._given, self._given_frames = message, 0
        self._logger.info(
            f"initial pose received, taken for that of {self._frames.initialpose_of}; "
            "the next keypoints are looked for around it"
        )

    def on_keypoints(self, message: PointCloud2) -> None:
        self.tally.count_received()
        self._spare_time.message(time.monotonic())
        if self.enabled:
            self._backlog.push(message, self._clock())
            self._worker.submit("keypoints", self._localize_next)

    def enable(self, enabled: bool) -> None:
        self.enabled = enabled
        self._map_to_odom.forget()
        self.forget_motion()

    def keep_map_to_odom_alive(self) -> None:
        """Send it once more, if there was a fix to know it by."""
        self._map_to_odom.send(self._clock())

    def forget_motion(self) -> None:
        """Look for the next keypoints in the whole map; those that wait are dropped."""
        self._backlog.clear()
        self.tally.forget_answer()
        self._worker.submit("reset", self._reset)

    def forget_time(self) -> None:
        """Time has jumped back: what was heard of TF and cameras belongs to another time."""
        self._logger.warning("time jumped back; TF, CameraInfo and tracking are forgotten")
        self._transforms.clear()
        self._map_to_odom.forget()
        self.cameras.clear()
        self.forget_motion()

    def _localize_next(self) -> None:
        active = self.maps.active
        tracking = active is not None and active.localizer.state == TRACKING
        last, pace = self._answering.stamps.last, self._pace
        message = self._backlog.pop_after(last, pace) if tracking else self._backlog.pop_latest()
        if message is None:
            return
        start = time.perf_counter()
        answer = self._localize(message)
        seconds = time.perf_counter() - start
        if isinstance(answer, Fix) and answer.proposer == TRACKER:
            self._pace += 0.3 * (seconds - self._pace)
            self._worker.submit("look around", self._look_around)
        else:
            self._spare_time.cost = seconds  # that of a search
        if len(self._backlog):
            self._worker.submit("keypoints", self._localize_next)

    def _look_around(self) -> None:
        """Between two messages, where there is time."""
        active = self.maps.active
        if active is not None and self._spare_time.is_enough(time.monotonic()):
            with self._spare_time.spent():
                active.localizer.look_around()

    def _localize(self, message: PointCloud2) -> Fix | Rejection:
        try:
            answer = self._answer(message)
        except Exception as error:
            if not isinstance(error, BpnpError):
                self._on_error(error)
            answer = rejection_for(error)
        self.tally.record(answer, nanoseconds(message.header.stamp))
        self._on_news()
        return answer

    def _answer(self, message: PointCloud2) -> Fix | Rejection:
        """Raises BpnpError where there is no answer."""
        self.tally.camera = frame_of(message.header)
        answer = self._answering.answer(message, self._backlog.arrived, self._prior)
        self.tally.keypoints = len(self._answering.keypoints or ())
        self.ready = True
        if isinstance(answer, Fix):
            self._publish(answer, message)
        return answer

    def _publish(self, fix: Fix, message: PointCloud2) -> None:
        stamp, camera = nanoseconds(message.header.stamp), frame_of(message.header)
        active = self.maps.active
        assert active is not None, "it made the fix"
        placement = self._frames.place(fix, active.frame, camera, stamp, active.metric)
        self._given = None
        self._outputs.publish(stamp, active, fix, placement, self._transforms.broadcast)
        if self.maps.settings.tf_mode == "odom" and placement.T_map_child is not None:
            edge = (active.frame, placement.child, placement.T_map_child)
            self._map_to_odom.set(*edge, placement.tf_stamp, self._backlog.arrived)
            self._map_to_odom.send(self._clock())

    def _start_anew(self) -> None:
        self.forget_time()
        self._reset()

    def _prior(self, active: ActiveMap, camera: str) -> PosePrior | None:
        """The initial pose, moved to the camera; refused loudly where that cannot be done."""
        given = self._given
        if given is None:
            return None
        self._given_frames += 1
        if self._given_frames == PRIOR_FRAMES:
            self._given = None
        try:
            T, covariance = read_pose(given.pose)
            frame = frame_name(given.header.frame_id) or active.frame
            return PosePrior(*self._frames.camera_prior(T, covariance, frame, active.frame, camera))
        except (ConfigError, NoTransformError) as error:
            self._given = None
            self.tally.refused_prior = f"initial pose refused: {error}"
            self._logger.error(self.tally.refused_prior)
            return None

    def _take_map(self, message: PointCloud2) -> None:
        self.map_waiting = ""
        with self._preparing("map"):
            if self.maps.take(message):
                self.ready = False
                self._map_to_odom.forget()
                self._prepare_localizer()
            elif self.maps.refusal:
                self._logger.error(self.maps.refusal)

    def _prepare(self) -> None:
        if self.tally.camera:
            with suppress(NoTransformError):  # the first keypoints try again, and say so
                self._answering.mount(self.tally.camera)
        if self.maps.active is not None and self.cameras.view is not None:
            with self._preparing("prepare"):
                self._prepare_localizer()

    def _prepare_localizer(self) -> None:
        if self.maps.active is not None and self.cameras.view is not None:
            self.maps.active.localizer.prepare(self.cameras.view, self._on_progress)
            self.ready = True

    def _on_progress(self, share: float) -> None:
        self.progress = share
        if self._closing:
            raise DeactivatedError("the node was deactivated while it prepared.")

    @contextmanager
    def _preparing(self, purpose: str) -> Iterator[None]:
        """Say that it takes a while, and when it is over; then rest in proportion."""
        start = time.monotonic()
        self.preparing, self.progress = True, 0.0
        self._on_news()
        try:
            yield
        except DeactivatedError as error:
            self._logger.info(str(error))
        finally:
            self.preparing = False
            end = time.monotonic()
            rested = end + REST * (end - start)
            self._rest_until[purpose] = max(self._rest_until[purpose], rested)
            self._on_news()

    def _reset(self) -> None:
        self._answering.stamps.forget()
        if self.maps.active is not None:
            self.maps.active.localizer.reset()

    def _on_error(self, error: Exception) -> None:
        self._logger.error(
            f"internal error, please report it: {error!r}", throttle_duration_sec=5.0
        )
