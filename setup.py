from __future__ import annotations

import re
from glob import glob
from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = "bpnp_ros"
VERSION = re.search(r'__version__ = "(.+)"', Path(PACKAGE, "__init__.py").read_text())[1]

# ROS itself for machines without one (x86-64 Linux, Python 3.10-3.13). TFMessage, which has no
# wheel, is built by ros_wheels/tf2_msgs.
ROS_WHEELS = [
    "ros-kilted-rclpy[fastrtps]",
    "ros-kilted-diagnostic-msgs",
    "ros-kilted-geometry-msgs",
    "ros-kilted-lifecycle-msgs",
    "ros-kilted-nav-msgs",
    "ros-kilted-sensor-msgs",
    "ros-kilted-std-msgs",
    "ros-kilted-std-srvs",
    "ros-kilted-visualization-msgs",
]

setup(
    name=PACKAGE,
    version=VERSION,
    description="A camera finds itself in a point-cloud map from keypoint positions alone",
    author="bpnp_ros contributors",
    maintainer="bpnp_ros maintainers",
    maintainer_email="maintainers@users.noreply.github.com",
    license="MIT",
    python_requires=">=3.10",
    packages=find_packages(include=[PACKAGE, f"{PACKAGE}.*"]),
    package_data={PACKAGE: ["py.typed", "data/*", "data/*/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
        (f"share/{PACKAGE}/launch", glob("launch/*.launch.py")),
        (f"share/{PACKAGE}/launch/examples", glob("launch/examples/*")),
        (f"share/{PACKAGE}/config", glob("config/*.yaml")),
        (f"share/{PACKAGE}/rviz", glob("rviz/*.rviz")),
    ],
    zip_safe=False,
    install_requires=[
        "torch",
        "numba",
        "numpy",
        "open3d",
        "opencv-python",
        "poselib",
        "safetensors",
        "pyyaml",
        "matplotlib",
        "rich",
        "trimesh",
    ],
    extras_require={
        "ros": ROS_WHEELS,
        "bags": ["rosbags>=0.11"],
        "scans": ["laspy[lazrs]>=2.5"],
        "rerun": ["rerun-sdk>=0.23"],
        "training": ["lightning", "tensorboard"],
        "test": ["pytest", "pytest-timeout", "plyfile"],
        "docs": ["pdoc>=15"],
        "dev": ["ruff", "mypy"],
    },
    entry_points={
        "console_scripts": [
            f"localization = {PACKAGE}.nodes.localization:main",
            f"point_map_server = {PACKAGE}.nodes.point_map_server:main",
            f"keypoint_detector = {PACKAGE}.nodes.keypoint_detector:main",
            f"bpnp_demo = {PACKAGE}.tools.demo:main",
            f"bpnp_benchmark = {PACKAGE}.tools.benchmark:main",
            f"bpnp_replay = {PACKAGE}.tools.replay:main",
            f"bpnp_doctor = {PACKAGE}.tools.doctor:main",
            f"bpnp_make_bag = {PACKAGE}.tools.make_bag:main",
            f"bpnp_map_from_poses = {PACKAGE}.tools.map_from_poses:main",
        ]
    },
)
