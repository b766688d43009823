"""Localise a camera: the localization node, and what goes with it.

ros2 launch bpnp_ros localization.launch.py map_file:=/maps/hall.pcd weights:=/maps/hall.safetensors

Every parameter of the nodes is a launch argument and beats the YAML file. --show-args lists them.
"""

import sys
from difflib import get_close_matches
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from bpnp_ros.configuration.parameter import Parameter, parameters_of
from bpnp_ros.configuration.parameters import (
    DetectorConfig,
    KeypointConfig,
    LocalizationSettings,
    LocalizerConfig,
)
from bpnp_ros.errors import ConfigError

SHARE = Path(get_package_share_directory("bpnp_ros"))

# name: (default, description)
ARGUMENTS = {
    "params_file": (str(SHARE / "config" / "localization.yaml"), "YAML file with parameters"),
    "namespace": ("", "namespace of all nodes"),
    "log_level": ("info", "debug, info, warn or error"),
}
SWITCHES = {
    p.name: p
    for p in (
        Parameter("use_sim_time", False, "take time from /clock, for bags and simulators"),
        Parameter("point_map_server", False, "publish map_file as point_map, for RViz too"),
        Parameter(
            "keypoint_detector", False, "find keypoints in the images; naming a `detector` does too"
        ),
        Parameter("rviz", False, "open RViz"),
    )
}
TOPICS = {
    "keypoints": "topic of the keypoints",
    "camera_info": "topic of the camera's calibration",
    "image": "topic of the images, for the detector",
    "point_map": "topic of the map, unless map_file is given",
}
SHOWN = (
    "pose",
    "path",
    "matches",
    "initialpose",
    "point_map",
)  # as the RViz configuration has them
OF_LOCALIZATION = {
    p.name: p for p in parameters_of(LocalizationSettings, KeypointConfig, LocalizerConfig)
}
OF_DETECTOR = {p.name: p for p in parameters_of(DetectorConfig)}
PARAMETERS = OF_LOCALIZATION | OF_DETECTOR


def generate_launch_description() -> LaunchDescription:
    described = {name: (str(p.default).lower(), p.description) for name, p in SWITCHES.items()}
    described |= ARGUMENTS | {name: (name, about) for name, about in TOPICS.items()}
    for name, parameter in PARAMETERS.items():
        unit = f" [{parameter.unit}]" if parameter.unit else ""
        described[name] = ("", f"{parameter.description}{unit}; empty: as in params_file")
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=about)
        for name, (default, about) in described.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=nodes)])


def nodes(context: LaunchContext) -> list[Node]:
    """The nodes, told what was given on the command line and nothing else. Raises ConfigError."""
    refuse_unknown_names()
    texts = context.launch_configurations
    given = {name: p.parse(texts[name]) for name, p in PARAMETERS.items() if texts[name]}
    on = {name: p.parse(texts[name]) for name, p in SWITCHES.items()}
    common = {"use_sim_time": on["use_sim_time"]}
    localizing = {name: value for name, value in given.items() if name in OF_LOCALIZATION}
    detecting = {name: value for name, value in given.items() if name in OF_DETECTOR}
    found = []
    if on["point_map_server"]:
        served = {name: given[name] for name in ("map_file", "map_scale") if name in given}
        localizing = {name: value for name, value in localizing.items() if name not in served}
        framed = {"map_frame": given["map_frame"]} if "map_frame" in given else {}
        found.append(node("point_map_server", [{**common, **served, **framed}]))
    if on["keypoint_detector"] or "detector" in detecting:
        found.append(node("keypoint_detector", [texts["params_file"], {**common, **detecting}]))
    if on["rviz"]:
        found.append(rviz(common))
    return [node("localization", [texts["params_file"], {**common, **localizing}]), *found]


def node(name: str, parameters: list) -> Node:
    return Node(
        package="bpnp_ros",
        executable=name,
        name=name,
        namespace=LaunchConfiguration("namespace"),
        parameters=parameters,
        remappings=[(topic, LaunchConfiguration(topic)) for topic in TOPICS],
        arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
        output="screen",
    )


def rviz(parameters: dict) -> Node:
    """RViz in the namespace of the nodes, and with its topics there."""
    names = {topic: LaunchConfiguration(topic) if topic in TOPICS else topic for topic in SHOWN}
    return Node(
        package="rviz2",
        executable="rviz2",
        namespace=LaunchConfiguration("namespace"),
        arguments=["-d", str(SHARE / "rviz" / "localization.rviz")],
        parameters=[parameters],
        remappings=[(f"/{topic}", name) for topic, name in names.items()],
    )


def refuse_unknown_names() -> None:
    """`ros2 launch` itself passes over a misspelt argument. Raises ConfigError."""
    if Path(__file__).name not in (Path(word).name for word in sys.argv):
        return  # included by another launch file, which has arguments of its own
    known = [*ARGUMENTS, *SWITCHES, *TOPICS, *PARAMETERS]
    for word in sys.argv:
        name, given, _ = word.partition(":=")
        if given and name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else "--show-args lists what there is."
            raise ConfigError(f"there is no launch argument {name}; {hint}")
