"""The launch file: what is given beats the YAML file, what is not given leaves it alone."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("launch_ros", reason="needs launch and launch_ros, which are no wheels")

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_context import LaunchContext
from launch_ros.actions import Node

from bpnp_ros.errors import ConfigError


@pytest.fixture(scope="module")
def launch_file() -> Any:
    try:
        share = Path(get_package_share_directory("bpnp_ros"))
    except PackageNotFoundError:
        pytest.skip("needs the package installed by colcon")
    return loaded(share / "launch" / "localization.launch.py")


def loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
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
    return list(actions)


def test_every_argument_is_described(launch_file: Any) -> None:
    entities = launch_file.generate_launch_description().entities
    declared = [entity for entity in entities if isinstance(entity, DeclareLaunchArgument)]
    assert {"tf_mode", "map_file", "weights", "params_file"} <= {entity.name for entity in declared}
    assert all(len(entity.description) > 5 for entity in declared)


def test_only_the_localization_node_starts_unless_more_is_asked_for(launch_file: Any) -> None:
    assert [node.node_executable for node in started(launch_file)] == ["localization"]
    switches = {"point_map_server": "true", "keypoint_detector": "true", "rviz": "true"}
    assert len(started(launch_file, **switches)) == 4


@pytest.mark.parametrize("kind", ["sift", "orb", "corners", "lights"])
def test_naming_a_detector_starts_one_of_its_kind(launch_file: Any, kind: str) -> None:
    nodes = started(launch_file, detector=kind, max_features="300")
    assert [node.node_executable for node in nodes] == ["localization", "keypoint_detector"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"map_scale": "wide"}, "map_scale is 'wide'; it must be a number"),
        ({"min_inliers": "8.5"}, "min_inliers is '8.5'; it must be a whole number"),
        ({"autostart": "maybe"}, "autostart is 'maybe'; it must be true or false"),
        ({"detector": "surf"}, "detector is 'surf'; it must be one of"),
        ({"rviz": "1"}, "rviz is '1'; it must be true or false"),
        ({"max_speed": "-1"}, "max_speed is -1.0; it must be from"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(
    launch_file: Any, given: dict[str, str], named: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(named)):
        started(launch_file, **given)


def test_a_misspelt_argument_is_refused_with_what_may_be_meant(
    launch_file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["ros2", "launch", "localization.launch.py", "mapfile:=x"])
    with pytest.raises(ConfigError, match="no launch argument mapfile; did you mean map_file"):
        started(launch_file)


def test_the_topics_of_rviz_are_those_of_the_namespace(launch_file: Any) -> None:
    config = (launch_file.SHARE / "rviz" / "localization.rviz").read_text()
    topics = set(re.findall(r"Value: /(\w+)", config))
    assert topics == set(launch_file.SHOWN)


@pytest.mark.parametrize(
    ("example", "started_nodes"),
    [("nav2", ["map_server", "lifecycle_manager"]), ("robot_localization", ["ekf_node"])],
)
def test_the_examples_load_and_include_ours(
    launch_file: Any, example: str, started_nodes: list[str]
) -> None:
    entities = loaded(launch_file.SHARE / "launch/examples" / f"{example}.launch.py")
    entities = entities.generate_launch_description().entities
    assert [e.node_executable for e in entities if isinstance(e, Node)] == started_nodes
    (included,) = (e for e in entities if isinstance(e, IncludeLaunchDescription))
    known = launch_file.PARAMETERS | launch_file.TOPICS
    assert {name for name, _ in included.launch_arguments} <= known.keys()
