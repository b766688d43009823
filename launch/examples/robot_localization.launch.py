"""Fuse the camera's poses with odometry by robot_localization.

ros2 launch bpnp_ros robot_localization.launch.py map_file:=/maps/hall.pcd

The node sends no TF of its own; the filter takes `pose` with its covariance, and gives map -> odom.
Whoever gives odom -> base_link (a second ekf_node, or the wheels) goes on doing so.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node


def generate_launch_description() -> LaunchDescription:
    share = Path(get_package_share_directory("bpnp_ros"))
    localization = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(share / "launch" / "localization.launch.py")),
        launch_arguments={
            "map_file": LaunchConfiguration("map_file"),
            "tf_mode": "none",
            "base_frame": "base_link",  # `pose` describes it
        }.items(),
    )
    fusion = Node(
        package="robot_localization",
        executable="ekf_node",
        name="ekf_filter_node_map",
        parameters=[str(share / "launch" / "examples" / "robot_localization.yaml")],
    )
    return LaunchDescription(
        [
            DeclareLaunchArgument("map_file", description="the points to localise in"),
            localization,
            fusion,
        ]
    )
