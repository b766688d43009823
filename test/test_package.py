"""What the package promises to colcon, to pip and to the reader of its layers."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import bpnp_ros

CHECKOUT = Path(__file__).resolve().parents[1]
SOURCES = sorted((CHECKOUT / "bpnp_ros").rglob("*.py"))
ROS = {"rclpy", "tf2_ros", "launch", "launch_ros", "lifecycle_msgs", "builtin_interfaces"}
LIBRARIES = {
    "open3d": "open3d.py",
    "cv2": "opencv.py",
    "poselib": "poselib.py",
    "rosbags": "rosbags.py",
}


def imported_packages(path: Path) -> Iterator[str]:
    """What a file imports when it runs; what it names for the type checker alone is left out."""
    tree = ast.parse(path.read_text())
    for statement in tree.body:
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            statement.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def files_importing(packages: set[str]) -> set[str]:
    return {
        str(path.relative_to(CHECKOUT))
        for path in SOURCES
        if packages & set(imported_packages(path))
    }


@pytest.fixture(scope="module")
def manifest() -> ElementTree.Element:
    return ElementTree.parse(CHECKOUT / "package.xml").getroot()


def test_the_manifest_tells_the_version_of_the_package(manifest: ElementTree.Element) -> None:
    assert manifest.findtext("version") == bpnp_ros.__version__
    assert metadata.version("bpnp_ros") == bpnp_ros.__version__


def test_colcon_takes_it_as_a_ros_python_package(manifest: ElementTree.Element) -> None:
    assert manifest.get("format") == "3"
    assert manifest.findtext("export/build_type") == "ament_python"
    maintainer = manifest.find("maintainer")
    assert maintainer is not None  # colcon drops a manifest whose address is not valid, silently
    assert re.fullmatch(r"[\w.+-]+@[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+", maintainer.get("email", ""))
    assert (CHECKOUT / "resource" / "bpnp_ros").exists()


def test_every_folder_with_code_is_installed() -> None:
    assert [str(path) for path in SOURCES if not (path.parent / "__init__.py").exists()] == []


def test_every_command_starts_in_a_function_that_exists() -> None:
    pytest.importorskip("rclpy", reason="the nodes need ROS 2 or its wheels")
    commands = metadata.entry_points(group="console_scripts")
    ours = [command for command in commands if command.value.startswith("bpnp_ros.")]
    assert {"localization", "point_map_server", "keypoint_detector"} <= {
        entry.name for entry in ours
    }
    assert all(callable(entry.load()) for entry in ours)


def test_ros_is_known_to_the_nodes_and_to_the_other_end_of_the_wire() -> None:
    messages = {name for path in SOURCES for name in imported_packages(path) if "_msgs" in name}
    links = {f"bpnp_ros/{room}/link.py" for room in ("demo", "doctor", "replay/live")}
    links.add("bpnp_ros/live/node_link.py")
    knowing = files_importing(ROS | messages | {"std_srvs"}) - links
    assert {path for path in knowing if not path.startswith("bpnp_ros/nodes/")} == set()


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_imported_in_one_file(library: str) -> None:
    assert files_importing({library}) <= {f"bpnp_ros/backends/{LIBRARIES[library]}"}


def test_the_package_does_without_its_training() -> None:
    assert files_importing({"training"}) == set()
