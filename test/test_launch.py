"""The launch file: what is given beats the YAML file, what is not given leaves it alone."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("launch_ros", reason="needs launch and launch_ros, which are no wheels")

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from launch.actions import DeclareLaunchArgument
from launch.launch_context import LaunchContext


@pytest.fixture(scope="module")
def launch_file() -> Any:
    try:
        share = Path(get_package_share_directory("bpnp_ros"))
    except PackageNotFoundError:
        pytest.skip("needs the package installed by colcon")
    path = share / "launch" / "localization.launch.py"
    spec = importlib.util.spec_from_file_location("localization_launch", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def started(launch_file: Any, **given: str) -> list[Any]:
    """The nodes that are started with these arguments."""
    context = LaunchContext()
    context.launch_configurations.update(given)
    for entity in launch_file.generate_launch_description().entities:
        if isinstance(entity, DeclareLaunchArgument):
            entity.visit(context)
    actions = launch_file.nodes(context)
    return [node for node in actions if node.condition is None or node.condition.evaluate(context)]


def test_every_argument_is_described(launch_file: Any) -> None:
    entities = launch_file.generate_launch_description().entities
    declared = [entity for entity in entities if isinstance(entity, DeclareLaunchArgument)]
    assert {"tf_mode", "map_file", "weights", "params_file"} <= {entity.name for entity in declared}
    assert all(len(entity.description) > 5 for entity in declared)


def test_only_the_localization_node_starts_unless_more_is_asked_for(launch_file: Any) -> None:
    assert [node.node_executable for node in started(launch_file)] == ["localization"]
    everything = started(launch_file, map_server="true", detector="true", rviz="true")
    assert len(everything) == 4


def test_arguments_become_parameters_of_their_own_type(launch_file: Any) -> None:
    assert launch_file.as_typed("map_scale", "1") == 1.0
    assert isinstance(launch_file.as_typed("map_scale", "1"), float)
    assert launch_file.as_typed("autostart", "false") is False
    assert launch_file.as_typed("base_frame", "1") == "1"
