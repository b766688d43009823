"""Every knob of the localiser, with its unit and range."""

from __future__ import annotations

from dataclasses import dataclass, fields

from bpnp_ros.errors import ConfigError
from bpnp_ros.parameter import setting


@dataclass(frozen=True)
class LocalizerConfig:
    """How a pose is proposed, refined, verified and tracked."""

    use_network: bool = setting(True, "propose poses with the network, where weights fit the map")
    use_likelihood_search: bool = setting(True, "propose poses by searching stored virtual views")
    use_tracker: bool = setting(True, "propose poses from the last fix and motion")
    bank_views: int = setting(
        80_000, "virtual views stored for the likelihood search", "", (1000, 2_000_000)
    )
    clutter: float = setting(
        0.5, "share of keypoints expected to belong to no map point", "", (0.05, 0.95)
    )
    keypoint_sigma: float = setting(
        1.3, "standard deviation of a keypoint about its map point's image", "px", (0.2, 50.0)
    )
    min_inliers: int = setting(12, "fewest inliers of a fix found without a prior", "", (6, 1000))
    min_evidence: float = setting(
        45.0, "least log-likelihood ratio against clutter of such a fix", "nat", (0.0, 1e4)
    )
    min_evidence_per_keypoint: float = setting(
        0.7, "least evidence of any fix for each keypoint of the frame", "nat", (0.0, 10.0)
    )
    rival_share: float = setting(
        0.75, "a pose elsewhere with more than this share of the evidence makes a fix ambiguous",
        "", (0.1, 1.0),
    )  # fmt: skip
    rival_distance: float = setting(0.5, "poses further apart are rivals", "m", (0.01, 100.0))
    rival_angle: float = setting(0.175, "poses turned further apart are rivals", "rad", (0.01, 3.2))
    tracking_inliers: int = setting(8, "fewest inliers of a tracked fix", "", (6, 1000))
    tracking_evidence: float = setting(
        30.0, "least log-likelihood ratio against clutter of a tracked fix", "nat", (0.0, 1e4)
    )
    tracking_share: float = setting(
        0.6, "least share of keypoints explained, relative to the fixes before", "", (0.0, 1.0)
    )
    max_speed: float = setting(2.0, "fastest the camera moves", "m/s", (0.01, 1000.0))
    max_turn_rate: float = setting(3.0, "fastest the camera turns", "rad/s", (0.01, 100.0))
    lost_after: int = setting(3, "frames without a fix before searching anew", "", (1, 1000))
    max_sigma_position: float = setting(
        0.3, "largest standard deviation of a published position", "m", (0.001, 100.0)
    )
    max_sigma_angle: float = setting(
        0.05, "largest standard deviation of a published rotation", "rad", (0.0001, 1.0)
    )
    sigma_position_floor: float = setting(
        0.005, "smallest standard deviation ever claimed for a position", "m", (0.0, 1.0)
    )
    sigma_angle_floor: float = setting(
        0.001, "smallest standard deviation ever claimed for a rotation", "rad", (0.0, 0.1)
    )
    camera_height_min: float = setting(
        1.2, "lowest height of the camera above the map's floor; maps without weights", "m",
        (-1000.0, 1000.0),
    )  # fmt: skip
    camera_height_max: float = setting(
        1.8, "greatest height of the camera above the map's floor; maps without weights", "m",
        (-1000.0, 1000.0),
    )  # fmt: skip
    camera_tilt: float = setting(
        0.15, "largest pitch and roll of the camera; maps without weights", "rad", (0.0, 1.6)
    )
    most_points: int = setting(
        5000, "a map without weights is thinned to this many points", "", (10, 100_000)
    )
    seed: int = setting(0, "seed of everything random", "", (0, 2**31 - 1))

    def __post_init__(self) -> None:
        for entry in fields(self):
            allowed, value = entry.metadata["range"], getattr(self, entry.name)
            if allowed is not None and not allowed[0] <= value <= allowed[1]:
                raise ConfigError(
                    f"{entry.name} is {value}; it must be from {allowed[0]:g} to {allowed[1]:g}."
                )
