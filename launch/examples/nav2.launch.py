"""Localise a robot of Nav2 by its camera, in AMCL's place.

ros2 launch bpnp_ros nav2.launch.py map_file:=/maps/hall.pcd map:=/maps/hall.yaml

The node gives map -> odom, as AMCL does; Nav2's own map_server serves the grid that it plans on.
Start the rest of Nav2 with nav2_bringup's navigation_launch.py. The grid and the points must be in
one frame.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node


def generate_launch_description() -> LaunchDescription:
    launch = Path(get_package_share_directory("bpnp_ros")) / "launch"
    localization = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(launch / "localization.launch.py")),
        launch_arguments={
            "map_file": LaunchConfiguration("map_file"),
            "tf_mode": "odom",
            "base_frame": LaunchConfiguration("base_frame"),
            "autostart": "false",  # Nav2's manager does it
        }.items(),
    )
    grid = Node(
        package="nav2_map_server",
        executable="map_server",
        name="map_server",
        parameters=[{"yaml_filename": LaunchConfiguration("map")}],
    )
    manager = Node(
        package="nav2_lifecycle_manager",
        executable="lifecycle_manager",
        name="lifecycle_manager_localization",
        parameters=[
            {
                "autostart": True,
                "bond_timeout": 0.0,  # the node has no bond
                "node_names": ["map_server", "localization"],
            }
        ],
    )
    return LaunchDescription(
        [
            DeclareLaunchArgument("map_file", description="the points to localise in"),
            DeclareLaunchArgument("map", description="the grid's YAML file, of Nav2"),
            DeclareLaunchArgument("base_frame", default_value="base_link"),
            localization,
            grid,
            manager,
        ]
    )
