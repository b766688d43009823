"""The point map server: a file becomes a latched cloud."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import PointCloud2

from bpnp_ros.configuration.parameters import PointMapServerSettings
from bpnp_ros.errors import ConfigError, MapError
from bpnp_ros.nodes.messages import header, map_message
from bpnp_ros.nodes.parameters import Parameters
from bpnp_ros.nodes.qos import LATCHED
from bpnp_ros.point_map.loading import load_map, needs_scale
from bpnp_ros.point_map.point_map import PointMap


class PointMapServer(Node):
    """Publishes once, for those who come now or later (transient_local)."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__("point_map_server", **arguments)
        self._configuration = Parameters(self, (PointMapServerSettings,))
        self._configuration.fix_while(lambda: "the map is published; restart the node with it.")
        self._map = self.create_publisher(PointCloud2, "point_map", LATCHED)

    def start(self) -> None:
        """Raises ConfigError and MapError."""
        settings = self._configuration.read(PointMapServerSettings)
        point_map = read_map(settings)
        top = header(self.get_clock().now().nanoseconds, settings.map_frame)
        self._map.publish(map_message(top, point_map.in_map_frame, point_map.cues))
        self.get_logger().info(
            f"{len(point_map)} points of {settings.map_file} are on {self._map.topic_name}, "
            f"in frame '{settings.map_frame}'"
        )

    def close(self) -> None:
        """Nothing goes on beside the executor."""


def read_map(settings: PointMapServerSettings) -> PointMap:
    """The map in metres. Raises ConfigError and MapError."""
    if not settings.map_file:
        raise ConfigError("map_file is empty; say which map to publish: -p map_file:=<path>.")
    if not settings.map_scale and needs_scale(settings.map_file):
        raise MapError(
            f"{settings.map_file} comes from structure from motion, so its unit is unknown; set "
            "map_scale to the metres in one unit (1.0 if it was scaled already)."
        )
    return load_map(settings.map_file, settings.map_scale or None)
