"""The map in use: from a file or a message to a localiser, and what became of the last one."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bpnp_ros.configuration.parameters import LocalizationSettings, LocalizerConfig
from bpnp_ros.errors import BpnpError, MapError
from bpnp_ros.map_model.mounting import Holding, is_left_to_gravity, is_left_to_tf, told
from bpnp_ros.point_map.cleaning import clean_map
from bpnp_ros.point_map.loading import load_map, needs_scale
from bpnp_ros.point_map.memory import GIB, limited_to
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.runtime.conversions import frame_of, read_map

if TYPE_CHECKING:
    from sensor_msgs.msg import PointCloud2

    from bpnp_ros.localizer.localizer import Localizer
    from bpnp_ros.weights.bundle import MapBundle


_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ActiveMap:
    """A localiser and the map that it works in; `metric` is whether the map's unit is a metre,
    `memory` an estimate in GiB."""

    localizer: Localizer
    frame: str
    metric: bool
    points: int
    memory: float


@dataclass(frozen=True, eq=False)
class WaitingMap:
    """A good map that no localiser can be built for before TF says how the camera is mounted."""

    point_map: PointMap
    frame: str
    metric: bool


class BuildsLocalizers(Protocol):
    """`Engine`, or what stands in for it."""

    config: LocalizerConfig

    @property
    def bundle(self) -> MapBundle | None:
        """What was trained for one map, with its points."""

    def build(self, source: PointMap) -> Localizer:
        """A map, with all that its file says of it -> a localiser; raises MapError."""


@dataclass
class Maps:
    """Holds one map. One that cannot be used is refused, and the last good one stays in use.

    Raises ConfigError where nothing says how the camera is mounted, although that has to be known.
    """

    settings: LocalizationSettings
    engine: BuildsLocalizers
    active: ActiveMap | None = None
    refusal: str = ""
    waiting: WaitingMap | None = None
    _digest: bytes = field(default=b"", repr=False)
    _holding: Holding | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        config = self.engine.config
        self.asks_gravity = is_left_to_gravity(config)
        self._is_asked = self.asks_gravity or is_left_to_tf(config, self.settings.base_frame)

    def load_file(self) -> None:
        """Use the map of `map_file`. Raises MapError."""
        path, scale = self.settings.map_file, self.settings.map_scale or None
        metric = scale is not None or not needs_scale(path)
        with limited_to(self.settings.memory_limit * GIB):
            point_map = load_map(path, scale)
        self._use(point_map, self.settings.map_frame or "map", metric)

    def use_bundle(self) -> None:
        """Use the points that the weights were trained for, if there are weights."""
        bundle = self.engine.bundle
        if bundle is not None:
            frame = self.settings.map_frame or bundle.frame or "map"
            self._use(bundle.model.point_map, frame, bundle.metric)

    def tune(self, config: LocalizerConfig) -> None:
        """Change, at once, what is read with every frame; what is prepared already stays."""
        self.engine.config = config = self._mounted(config)
        if self.active is not None:
            self.active.localizer.config = config

    @property
    def waits_for(self) -> str:
        """What the map cannot be used without, for people; empty where nothing is missing."""
        if not self.waiting:
            return ""
        base, odom = self.settings.base_frame, self.settings.odom_frame
        of_gravity = f"an Imu on the topic imu, or TF from '{odom}' to their camera"
        asked = of_gravity if self.asks_gravity else f"TF from '{base}' to their camera"
        return f"keypoints, and {asked}"

    @property
    def assumed(self) -> str:
        """What is taken for known of where the camera can be, and who said so, for people."""
        if self.active is None:
            return ""
        source = f"; {self._holding.source}" if self._holding else ""
        return f"{self.active.localizer.assumed}{source}"

    def mount(self, holding: Holding) -> None:
        """Take how the camera is held and use the map that waited for it. Raises MapError."""
        self._holding = holding
        self.engine.config = self._mounted(self.engine.config)
        if self.waiting is not None:
            self._use(self.waiting.point_map, self.waiting.frame, self.waiting.metric)

    def is_news(self, message: PointCloud2) -> bool:
        """Whether it is another map than the last that came."""
        return _digest(message) != self._digest

    def take(self, message: PointCloud2) -> bool:
        """Use the map of a message; False if it is the one in use, or refused (see `refusal`)."""
        digest = _digest(message)
        if digest == self._digest:
            return False
        self._digest = digest
        try:
            frame = self._frame_of(message)
            cloud, scale = read_map(message), self.settings.map_scale or None
            point_map = clean_map(cloud.points, cloud.detectability, scale, cloud.cues)
            self._use(point_map, frame, True)
        except Exception as error:  # whatever somebody sends, the node lives on
            kind = "" if isinstance(error, BpnpError) else f"{type(error).__name__}: "
            self.refusal = f"map refused: {kind}{error}"
            return False
        return True

    def _frame_of(self, message: PointCloud2) -> str:
        stated, wanted = frame_of(message.header), self.settings.map_frame
        if wanted and stated != wanted:
            raise MapError(f"it is in frame '{stated}', but map_frame is '{wanted}'.")
        if not stated:
            raise MapError("its header has no frame_id.")
        return stated

    def _mounted(self, config: LocalizerConfig) -> LocalizerConfig:
        """The parameters with what TF, or gravity, has told."""
        return told(config, self._holding) if self._is_asked and self._holding else config

    def _has_to_wait(self, point_map: PointMap) -> bool:
        """Whether how the camera is mounted matters for a map and is not known yet."""
        if not self._is_asked or self._holding is not None:
            return False
        bundle = self.engine.bundle
        return bundle is None or not bundle.recognises(point_map)

    def _use(self, point_map: PointMap, frame: str, metric: bool) -> None:
        if self._has_to_wait(point_map):
            self.waiting, self.refusal = WaitingMap(point_map, frame, metric), ""
            return
        self.waiting = None
        localizer = self.engine.build(point_map)
        needed, limit = localizer.memory_estimate() / GIB, self.settings.memory_limit
        if needed > limit:
            raise MapError(
                f"{len(point_map)} points need {needed:.1f} GiB; memory_limit allows {limit:g}. "
                "Thin the map or raise the limit."
            )
        for note in localizer.notes:
            _log.warning(note)
        self.active = ActiveMap(localizer, frame, metric, len(point_map), needed)
        self.refusal = ""


def _digest(message: PointCloud2) -> bytes:
    """Equal for a map that is merely sent again."""
    layout = [(f.name, f.offset, f.datatype, f.count) for f in message.fields]
    size = (message.height, message.width, message.point_step, message.row_step)
    digest = hashlib.blake2b(repr((message.header.frame_id, layout, size)).encode())
    digest.update(message.data)
    return digest.digest()
