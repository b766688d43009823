"""Every parameter of the nodes, described once, without ROS: dataclass fields and their metadata.

`parameters.py` declares them; the YAML file, the launch arguments and the documentation follow.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from bpnp_ros.errors import ConfigError
from bpnp_ros.parameter import Range, setting


@dataclass(frozen=True)
class LocalizationSettings:
    """What the localization node adds to the localiser's own configuration."""

    autostart: bool = setting(
        True, "configure and activate at once, without a lifecycle manager", read_only=True
    )
    map_file: str = setting(
        "", "map: .pcd .ply .xyz .npz or a COLMAP folder; empty: from the topic `map`"
    )
    weights: str = setting("", "bundle trained for this map; empty: proposers without weights")
    device: str = setting("auto", "where torch computes; auto: cuda where there is one, else cpu")
    threads: int = setting(
        1, "threads of one computation on the cpu; more rarely help, and hurt on a busy one", "",
        (1, 256),
    )  # fmt: skip
    memory_limit: float = setting(
        8.0, "refuse a map that needs more memory than this", "GiB", (0.1, 1024.0)
    )
    map_scale: float = setting(
        0.0, "length of a map unit; 0: metric, or unknown for COLMAP models", "m", (0.0, 1e6)
    )
    keypoints_rectified: bool = setting(
        False, "keypoints are pixels of the rectified image: P, not K and D, describes the camera"
    )
    bearing_view_width: float = setting(
        0.0, "width of the view that bearings x y z come from; 0: what they span", "deg", (0, 170)
    )
    bearing_view_height: float = setting(
        0.0, "height of the view that bearings x y z come from; 0: what they span", "deg", (0, 170)
    )
    tf_mode: str = setting(
        "camera", "TF sent: map to camera, base or odom, or none",
        choices=("camera", "base", "odom", "none"),
    )  # fmt: skip
    map_frame: str = setting("", "frame of the map; empty: that of the map message, else `map`")
    base_frame: str = setting("", "frame of the robot's base; empty: there is no robot")
    odom_frame: str = setting("odom", "frame of the odometry, used by tf_mode odom")
    pose_frame: str = setting(
        "", "frame that `pose` and `initialpose` describe; empty: base_frame, else the camera"
    )
    transform_tolerance: float = setting(
        0.1, "how far map->odom is dated ahead of the image", "s", (0.0, 10.0)
    )
    transform_timeout: float = setting(
        0.1, "how long a look-up waits for TF of the image's time", "s", (0.0, 5.0)
    )

    def __post_init__(self) -> None:
        if self.tf_mode == "base" and not self.base_frame:
            raise ConfigError("tf_mode is base, but base_frame is empty; name the robot's base.")


@dataclass(frozen=True)
class MapServerSettings:
    """Which map is published, and how."""

    map_file: str = setting("", "map: .pcd .ply .xyz .npz or a COLMAP folder")
    map_frame: str = setting("map", "frame of the map")
    map_scale: float = setting(
        0.0, "length of a map unit; 0: metric, which COLMAP models are not", "m", (0.0, 1e6)
    )


@dataclass(frozen=True)
class Parameter:
    """A parameter as people see it; `range` is inclusive."""

    name: str
    default: Any
    description: str
    unit: str = ""
    range: Range | None = None
    choices: tuple[str, ...] = ()
    read_only: bool = False

    def check(self, value: Any) -> None:
        """Raise ConfigError for a value that is not allowed; its type is right already."""
        if self.choices and value not in self.choices:
            raise ConfigError(
                f"{self.name} is '{value}'; it must be one of {', '.join(self.choices)}."
            )
        if self.range is not None and not self.range[0] <= value <= self.range[1]:
            raise ConfigError(
                f"{self.name} is {value}; it must be from {self.range[0]:g} to {self.range[1]:g}."
            )


def parameters_of(*configurations: type) -> Iterator[Parameter]:
    """The fields of configuration dataclasses as parameters."""
    for configuration in configurations:
        for entry in fields(configuration):
            metadata = {key: entry.metadata[key] for key in _METADATA & entry.metadata.keys()}
            metadata.setdefault("description", _from_docstring(configuration, entry.name))
            yield Parameter(entry.name, entry.default, **metadata)


_METADATA = {"description", "unit", "range", "choices", "read_only"}


def _from_docstring(configuration: type, name: str) -> str:
    """The paragraph `name: ...` of the class's docstring."""
    text = inspect.cleandoc(configuration.__doc__ or "")
    found = re.search(rf"^{name}: (.+?)(?=^\w+: |\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
    return re.sub(r"\s+", " ", found[1]).strip().rstrip(".") if found else ""
