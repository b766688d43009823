"""All parameters of the nodes. The first of each class are for users, `advanced` ones follow."""

from __future__ import annotations

from dataclasses import dataclass

from bpnp_ros.configuration.parameter import Configuration, advanced, setting, tunable
from bpnp_ros.errors import ConfigError


@dataclass(frozen=True)
class LocalizationSettings(Configuration):
    """What the localization node works with, and the frames that it serves."""

    map_file: str = setting(
        "",
        "map: .pcd .ply .xyz .csv .npz .las .laz or a COLMAP folder; empty: topic `point_map`, "
        "or `weights`",
    )
    map_scale: float = setting(
        0.0, "length of a map unit; 0: metric, or unknown for COLMAP models", "m", (0.0, 1e6)
    )
    weights: str = setting(
        "",
        "bundle trained for the map, whose points it holds, weights of BPnPNet for any map, or "
        "one of each with a comma between; empty: those for any map that come with the package",
    )
    map_frame: str = setting("", "frame of the map; empty: that of the map message, else `map`")
    base_frame: str = setting("", "frame of the robot's base; empty: there is no robot")
    odom_frame: str = setting(
        "odom", "frame of the odometry: of tf_mode odom, and to tell places apart that look alike"
    )
    tf_mode: str = setting(
        "camera", "TF sent: map to camera, base or odom, or none",
        choices=("camera", "base", "odom", "none"),
    )  # fmt: skip
    keypoints_rectified: bool = setting(
        False, "keypoints are pixels of the rectified image: P, not K and D, describes the camera"
    )
    pose_frame: str = advanced(
        "", "frame that `pose` describes; empty: base_frame, else the camera"
    )
    autostart: bool = advanced(
        True, "configure and activate at once, without a lifecycle manager", read_only=True
    )
    device: str = advanced("auto", "where torch computes; auto: cuda where there is one, else cpu")
    threads: int = advanced(
        1, "threads of one computation on the cpu; more rarely help, and hurt on a busy one", "",
        (1, 256),
    )  # fmt: skip
    memory_limit: float = advanced(
        8.0, "refuse a map that needs more memory than this", "GiB", (0.1, 1024.0)
    )
    bearing_view_width: float = advanced(
        0.0, "width of the view that bearings x y z come from; 0: what they span", "deg", (0, 360)
    )
    bearing_view_height: float = advanced(
        0.0, "height of the view that bearings x y z come from; 0: what they span", "deg", (0, 360)
    )
    transform_tolerance: float = advanced(
        1.0, "how far map->odom is dated ahead of the image", "s", (0.0, 10.0)
    )
    transform_publish_period: float = advanced(
        0.1, "map->odom is sent again so often while nothing new is known; 0: never", "s",
        (0.0, 10.0),
    )  # fmt: skip
    transform_timeout: float = advanced(
        0.1, "how long a look-up waits for TF of the image's time", "s", (0.0, 5.0)
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("map_frame", "base_frame", "odom_frame", "pose_frame"):
            object.__setattr__(self, name, getattr(self, name).lstrip("/"))  # as in ROS 1
        if self.tf_mode == "base" and not self.base_frame:
            raise ConfigError("tf_mode is base, but base_frame is empty; name the robot's base.")


@dataclass(frozen=True)
class KeypointConfig(Configuration):
    """Which keypoints of a message are used."""

    max_keypoints: int = advanced(512, "the best by score are kept", "", (4, 100_000))
    min_keypoints: int = advanced(3, "with fewer there is no attempt to localise", "", (3, 100_000))
    border: float = advanced(
        2.0, "by which a keypoint may lie outside the image", "px", (0.0, 1000.0)
    )
    bearing_pixel: float = advanced(
        0.002, "what stands for a pixel when bearings come without a camera, on the z = 1 plane; "
        "0.002 is a camera of 640 pixels and 65 degrees", "", (1e-6, 1.0),
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_keypoints > self.max_keypoints:
            raise ConfigError(
                f"min_keypoints is {self.min_keypoints}, more than max_keypoints, "
                f"{self.max_keypoints}."
            )


@dataclass(frozen=True)
class LocalizerConfig(Configuration):
    """How a pose is proposed, refined, verified and tracked."""

    false_pose_rate: float = setting(
        0.001, "a pose more probably wrong than this is not published", "", (1e-9, 1.0),
        tunable=True,
    )  # fmt: skip
    motion: str = setting(
        "auto", "where the camera can be: on a robot's floor, level at any heading, free, "
        "near the map's photographs, or a rotation alone (landmarks at infinity); auto: near the "
        "photographs where the map has some, else level",
        choices=("auto", "floor", "level", "free", "photographs", "rotation"),
    )  # fmt: skip
    up: str = setting("z", "the map's upward direction: an axis (z, -y) or three numbers")
    camera_mounting: str = setting(
        "", "where a camera looks on its robot: forward, up, down, left, right, backward, or roll, "
        "pitch and yaw in degrees; gravity: as it is held at the start by topic imu, else by TF "
        "from odom_frame; empty: with motion floor or level as TF from base_frame to the camera "
        "says, else forward"
    )  # fmt: skip
    camera_height_min: float = setting(
        -1000.0, "lowest coordinate of the camera along up, in the map's frame; -1000: not known",
        "m", (-1e6, 1e6),
    )  # fmt: skip
    camera_height_max: float = setting(
        1000.0, "greatest coordinate of the camera along up; 1000: not known", "m", (-1e6, 1e6)
    )
    camera_tilt: float = setting(
        0.15, "largest pitch and roll of the camera away from its mounting", "rad", (0.0, 1.6)
    )
    sight_range: float = setting(
        0.0, "how far away a landmark can be detected; 0: without limit", "m", (0.0, 1e6)
    )
    max_speed: float = setting(
        0.0, "fastest the camera moves; 0: by odometry, and by what is seen of its motion", "m/s",
        (0.0, 1000.0), tunable=True,
    )  # fmt: skip
    max_turn_rate: float = setting(
        3.0, "fastest the camera turns", "rad/s", (0.01, 100.0), tunable=True
    )
    refine_intrinsics: bool = setting(
        False, "use the focal length and distortion that the map shows, once they certainly differ "
        "from CameraInfo; the diagnostics tell of them in any case", tunable=True,
    )  # fmt: skip
    use_minimal_sets: bool = advanced(
        True, "propose poses from minimal sets, where the map has few landmarks"
    )
    use_network: bool = advanced(True, "propose poses with the network, where weights fit the map")
    use_bpnpnet: bool = advanced(
        True, "propose poses with BPnPNet for any map, where weights name it or none fit the map"
    )  # fmt: skip
    use_likelihood_search: bool = advanced(True, "propose poses by searching stored virtual views")
    use_tracker: bool = advanced(True, "propose poses from the last fix and motion")
    bank_views: int = advanced(
        80_000,
        "virtual views stored for the likelihood search in a map of up to 500 places, in "
        "larger ones more in proportion; where up is known and no network of the map is, places "
        "are scored as a whole instead",
        "",
        (1000, 2_000_000),
    )
    keypoint_sigma: float = tunable(
        1.3, "standard deviation of a keypoint about its map point's image, expected beforehand; "
        "each frame shows its own", "px", (0.2, 50.0),
    )  # fmt: skip
    clutter: float = advanced(
        0.5, "share of keypoints expected beforehand to belong to no map point", "", (0.05, 0.95)
    )
    min_inliers: int = tunable(12, "fewest inliers of a fix found without a prior", "", (6, 1000))
    rival_distance: float = tunable(
        0.05, "poses further apart are rivals, in depths of what the map shows", "", (0.001, 10.0)
    )
    rival_angle: float = tunable(0.06, "poses turned further apart are rivals", "rad", (0.01, 3.2))
    tracking_inliers: int = tunable(8, "fewest inliers of a tracked fix", "", (6, 1000))
    tracking_share: float = tunable(
        0.6, "least share of keypoints explained, relative to the fixes before", "", (0.0, 1.0)
    )
    lost_after: int = tunable(3, "frames without a fix before searching anew", "", (1, 1000))
    max_sigma_position: float = tunable(
        0.08, "largest standard deviation of a published position, in depths of what the map shows",
        "", (0.0001, 10.0),
    )  # fmt: skip
    max_sigma_angle: float = tunable(
        0.05, "largest standard deviation of a published rotation", "rad", (0.0001, 1.0)
    )
    sigma_position_floor: float = tunable(
        0.0003, "smallest standard deviation ever claimed for a position, in depths of what the "
        "map shows", "", (0.0, 1.0),
    )  # fmt: skip
    sigma_angle_floor: float = tunable(
        0.0001, "smallest standard deviation ever claimed for a rotation", "rad", (0.0, 0.1)
    )
    covariance_scale: float = tunable(
        1.0, "factor on every covariance, for filters that take frames for independent", "",
        (0.01, 1e4),
    )  # fmt: skip
    most_points: int = advanced(
        5000,
        "a map without weights is thinned to so many points within sight of a place; a "
        "model from structure from motion to so many in all",
        "",
        (10, 100_000),
    )
    seed: int = advanced(0, "seed of everything random", "", (0, 2**31 - 1))


@dataclass(frozen=True)
class DetectorConfig(Configuration):
    """Which features to look for, and how many to keep."""

    detector: str = setting(
        "sift", "sift, orb, corners (Shi and Tomasi), or lights (small bright spots: lamps, LEDs, "
        "reflectors); use the one that the map's points were made with",
        choices=("sift", "orb", "corners", "lights"),
    )  # fmt: skip
    max_features: int = setting(1024, "the strongest are kept", "", (1, 1_000_000))
    light_threshold: float = setting(
        0.0, "grey value from which a pixel belongs to a light, of 255, to which deeper images "
        "are stretched; 0: by the image's own background and noise", "", (0.0, 255.0)
    )  # fmt: skip


@dataclass(frozen=True)
class PointMapServerSettings(Configuration):
    """Which map is published, and how."""

    map_file: str = setting("", "map: .pcd .ply .xyz .csv .npz .las .laz or a COLMAP folder")
    map_frame: str = setting("map", "frame of the map")
    map_scale: float = setting(
        0.0, "length of a map unit; 0: metric, which COLMAP models are not", "m", (0.0, 1e6)
    )
