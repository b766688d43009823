"""Localise a camera: the localization node, and what goes with it.

ros2 launch bpnp_ros localization.launch.py map_file:=/maps/hall.pcd weights:=/maps/hall.safetensors

Every parameter of the node is a launch argument, which beats the YAML file. --show-args lists them.
"""

from pathlib import Path

import yaml
from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from bpnp_ros.configuration.parameter import parameters_of
from bpnp_ros.configuration.parameters import KeypointConfig, LocalizationSettings, LocalizerConfig

SHARE = Path(get_package_share_directory("bpnp_ros"))

# name: (default, description)
ARGUMENTS = {
    "params_file": (str(SHARE / "config" / "localization.yaml"), "YAML file with parameters"),
    "namespace": ("", "namespace of all nodes"),
    "use_sim_time": ("false", "take time from /clock, for bags and simulators"),
    "log_level": ("info", "debug, info, warn or error"),
    "keypoints": ("keypoints", "topic of the keypoints"),
    "camera_info": ("camera_info", "topic of the camera's calibration"),
    "image": ("image", "topic of the images, for the detector"),
    "map": ("map", "topic of the map, unless map_file is given"),
    "map_server": ("false", "publish map_file on the topic of the map, for RViz too"),
    "detector": ("false", "find keypoints in the images"),
    "rviz": ("false", "open RViz"),
}
PARAMETERS = {
    p.name: p for p in parameters_of(LocalizationSettings, KeypointConfig, LocalizerConfig)
}


def generate_launch_description() -> LaunchDescription:
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    ]
    for name, parameter in PARAMETERS.items():
        unit = f" [{parameter.unit}]" if parameter.unit else ""
        described = f"{parameter.description}{unit}; empty: as in params_file"
        declared.append(DeclareLaunchArgument(name, default_value="", description=described))
    return LaunchDescription([*declared, OpaqueFunction(function=nodes)])


def nodes(context: LaunchContext) -> list[Node]:
    """The nodes, told what was given on the command line and nothing else."""
    arguments = context.launch_configurations
    given = {name: as_typed(name, arguments[name]) for name in PARAMETERS if arguments[name]}
    common = {"use_sim_time": yaml.safe_load(arguments["use_sim_time"])}
    served = {}
    if yaml.safe_load(arguments["map_server"]):
        served = {name: given[name] for name in ("map_file", "map_scale") if name in given}
        given = {name: value for name, value in given.items() if name not in served}
    return [
        node("localization", [arguments["params_file"], {**common, **given}]),
        node("map_server", [{**common, **served}], when="map_server"),
        node("keypoint_detector", [common], when="detector"),
        Node(
            package="rviz2",
            executable="rviz2",
            arguments=["-d", str(SHARE / "rviz" / "localization.rviz")],
            parameters=[common],
            condition=IfCondition(LaunchConfiguration("rviz")),
        ),
    ]


def node(name: str, parameters: list, when: str = "") -> Node:
    topics = ("keypoints", "camera_info", "image", "map")
    return Node(
        package="bpnp_ros",
        executable=name,
        name=name,
        namespace=LaunchConfiguration("namespace"),
        parameters=parameters,
        remappings=[(topic, LaunchConfiguration(topic)) for topic in topics],
        arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
        output="screen",
        condition=IfCondition(LaunchConfiguration(when)) if when else None,
    )


def as_typed(name: str, text: str) -> object:
    """The text of a launch argument as the parameter's own type: 1 is 1.0 where that is meant."""
    kind = type(PARAMETERS[name].default)
    return text if kind is str else kind(yaml.safe_load(text))
