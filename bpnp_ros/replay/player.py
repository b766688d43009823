"""Every message of a bag through the parts that a localization node is made of, none dropped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bpnp_ros.bags.messages import IMU, cloud
from bpnp_ros.bags.reading import Bag
from bpnp_ros.bags.transforms import RecordedTransforms
from bpnp_ros.errors import BagError
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.keypoints.detector import detect_keypoints
from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.localizer.types import Fix, Rejection
from bpnp_ros.replay.configuration import Configuration
from bpnp_ros.replay.topics import Topics
from bpnp_ros.runtime.answering import Answering, rejection_for
from bpnp_ros.runtime.cameras import Cameras
from bpnp_ros.runtime.conversions import frame_of, nanoseconds, read_image
from bpnp_ros.runtime.keypoint_fields import columns_of
from bpnp_ros.runtime.maps import ActiveMap, BuildsLocalizers, Maps
from bpnp_ros.runtime.tf.gravity import Gravity
from bpnp_ros.runtime.tf.odometry import Odometry

IMU_MESSAGES = 100  # that tell how the camera was held


@dataclass(frozen=True, eq=False)
class Played:
    """A message and its answer. keypoints: those that were used, None where none could be read.

    log_time: when it was recorded, nanoseconds. state: the localiser's, after the answer. seconds:
    what it took by stage and in "total", without "prepare" for a new map or camera before it.
    """

    stamp_ns: int
    log_time: int
    frame_id: str
    keypoints: Keypoints | None
    answer: Fix | Rejection
    state: str
    seconds: dict[str, float]


class Player:
    """The first map and the first CameraInfo are taken before the first keypoints, as by a node
    that was running when the recording began; everything else in the order of recording."""

    def __init__(
        self, bag: Bag, topics: Topics, configuration: Configuration, engine: BuildsLocalizers
    ) -> None:
        self._bag, self._topics, self._configuration = bag, topics, configuration
        settings = configuration.settings
        self.cameras = Cameras(settings, configuration.keypoints)
        self._maps = Maps(settings, engine)
        transforms = RecordedTransforms(bag)
        odometry = Odometry(settings, transforms).at
        self._gravity = Gravity(settings, transforms)
        asked = (self._start_anew, odometry, self._gravity.up_in)
        self._answering = Answering(self._maps, self.cameras, transforms.lookup, *asked)
        self._prepared: dict[str, float] = {}

    def get_ready(self) -> ActiveMap:
        """Take map and camera, and do what takes seconds. Raises MapError and BagError, and
        NoTransformError where the bag should say how the camera is mounted and does not."""
        if self._topics.map:
            self._maps.take(self._bag.first(self._topics.map))
        elif self._configuration.settings.map_file:
            self._maps.load_file()
        else:
            self._maps.use_bundle()
        first = self._bag.first(self._topics.source)
        if self._maps.asks_gravity:
            self._feel_gravity()
        if first is not None:
            self._answering.mount(frame_of(first.header))
        if self._maps.active is None:
            raise BagError(f"{self._topics.map}: {self._maps.refusal}")
        if self._topics.camera_info:
            self._take_camera(self._bag.first(self._topics.camera_info))
        return self._maps.active

    @property
    def active(self) -> ActiveMap | None:
        """The map in use now."""
        return self._maps.active

    @property
    def assumed(self) -> str:
        """What is taken for known of where the camera can be, and who said so, for people."""
        return self._maps.assumed

    def play(self, only: int | None = None) -> Iterator[Played]:
        """Every keypoint message answered, or `only` the one of that number, as a first fix."""
        number = -1
        for recorded in self._bag.messages(self._topics.all):
            if recorded.topic == self._topics.map:
                self._take_map(recorded.message)
            elif recorded.topic == self._topics.camera_info:
                self._take_camera(recorded.message)
            else:
                number += 1
                if only in (None, number):
                    yield self._answered(recorded.message, recorded.log_time)

    def _answered(self, message: Any, log_time: int) -> Played:
        start = time.perf_counter()
        detection, keypoints = {}, None
        try:
            if self._topics.image:
                message = self._detected(message)
                detection["detect"] = time.perf_counter() - start
            answer = self._answering.answer(message, log_time)
            keypoints = self._answering.keypoints
        except Exception as error:
            answer = rejection_for(error)
        total = {"total": time.perf_counter() - start}
        seconds, self._prepared = {**self._prepared, **detection, **answer.timings, **total}, {}
        active = self._maps.active
        return Played(
            nanoseconds(message.header.stamp),
            log_time,
            str(message.header.frame_id),
            keypoints,
            answer,
            active.localizer.state if active else "",
            seconds,
        )

    def _feel_gravity(self) -> None:
        """What the bag's first Imu said at the beginning."""
        topics = [topic.name for topic in self._bag.of_kinds(IMU)][:1]
        for recorded in islice(self._bag.messages(topics), IMU_MESSAGES):
            self._gravity.take(recorded.message)

    def _detected(self, image: Any) -> Any:
        """The message that a keypoint detector would publish."""
        picture = read_image(image)
        self.cameras.check_size(image.header.frame_id, picture.size)
        found = detect_keypoints(picture, self._configuration.detector)
        return cloud(image.header, columns_of(found))

    def _take_map(self, message: Any) -> None:
        if self._maps.take(message):
            self._prepare()

    def _take_camera(self, info: Any) -> None:
        news = self.cameras.update(info)
        if isinstance(news, Camera):
            self._prepare()

    def _prepare(self) -> None:
        start = time.perf_counter()
        if self._maps.active is not None and self.cameras.view is not None:
            self._maps.active.localizer.prepare(self.cameras.view)
            self._prepared = {"prepare": time.perf_counter() - start}

    def _start_anew(self) -> None:
        """As the node does when time jumps back."""
        self.cameras.clear()
        if self._maps.active is not None:
            self._maps.active.localizer.reset()
