"""The map server latches a map for whoever comes, and says why it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

from rclpy.parameter import Parameter
from sensor_msgs.msg import PointCloud2

from bpnp_ros.errors import ConfigError, MapError
from bpnp_ros.nodes.point_map_server_node import PointMapServer
from bpnp_ros.nodes.qos import LATCHED
from bpnp_ros.runtime.conversions import read_map_points

if TYPE_CHECKING:
    from conftest import RosWorld

POINTS = np.random.default_rng(1).uniform(-5, 5, (40, 3)) + np.array([4_000_000.0, 0, 0])


@pytest.fixture
def map_file(tmp_path: Path) -> Path:
    np.savez(tmp_path / "map.npz", points=POINTS)
    return tmp_path / "map.npz"


def point_map_server(ros: RosWorld, **parameters: object) -> PointMapServer:
    overrides = [Parameter(name, value=value) for name, value in parameters.items()]
    server: PointMapServer = ros.add(PointMapServer(parameter_overrides=overrides))
    return server


def test_a_latecomer_gets_the_map_in_metres_wherever_it_lies(ros: RosWorld, map_file: Path) -> None:
    point_map_server(ros, map_file=str(map_file), map_frame="site", map_scale=2.0).start()
    heard: list[PointCloud2] = []
    ros.node().create_subscription(PointCloud2, "point_map", heard.append, LATCHED)
    ros.until(lambda: heard)
    assert heard[0].header.frame_id == "site"
    assert np.abs(read_map_points(heard[0]) - 2 * POINTS).max() < 1e-4


def test_a_map_that_is_not_there_is_named(ros: RosWorld) -> None:
    with pytest.raises(ConfigError, match="map_file is empty"):
        point_map_server(ros).start()
    with pytest.raises(MapError, match=r"no map at /nowhere/map.pcd"):
        point_map_server(ros, map_file="/nowhere/map.pcd").start()


def test_a_model_of_unknown_scale_asks_for_one(ros: RosWorld, tmp_path: Path) -> None:
    with pytest.raises(MapError, match="set map_scale"):
        point_map_server(ros, map_file=str(tmp_path)).start()


def test_parameters_do_not_change_under_a_published_map(ros: RosWorld, map_file: Path) -> None:
    server = point_map_server(ros, map_file=str(map_file))
    (result,) = server.set_parameters([Parameter("map_scale", value=3.0)])
    assert not result.successful and "restart" in result.reason
