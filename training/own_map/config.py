"""Settings of `training.own_map`."""

from __future__ import annotations

from dataclasses import dataclass

from bpnp_ros.configuration.parameter import setting
from bpnp_ros.errors import ConfigError
from training.common.settings import Settings


@dataclass(frozen=True)
class OwnMapConfig(Settings):
    """How to train for one map. Metres, radians, pixels."""

    minutes: float = setting(30.0, "train this long; 0: until `views`", "min")
    views: int = setting(0, "train on so many views; 0: until `minutes`")
    seed: int = setting(0, "of places, views and weights")
    width: int = setting(640, "image width", "px")
    height: int = setting(480, "image height", "px")
    focal: float = setting(370.0, "focal length; take that of your widest camera", "px")
    camera_height_min: float = setting(1.2, "lowest camera above the floor", "m")
    camera_height_max: float = setting(1.8, "highest camera above the floor", "m")
    tilt: float = setting(0.2, "largest pitch and roll", "rad")
    range_max: float = setting(15.0, "points farther away are not seen", "m")
    places: int = setting(12000, "places drawn from the free volume")
    cell: float = setting(0.25, "the network tells places of this width apart", "m")
    layer: float = setting(0.15, "and of this height", "m")
    most_cells: int = setting(3000, "both are larger where there would be more places than this")
    path_margin: float = setting(0.5, "how far from a recorded path a camera may be", "m")
    most_points: int = setting(10000, "thin the map to so many points")
    pixel_noise: float = setting(1.0, "standard deviation of keypoints", "px")
    missed_min: float = setting(0.1, "smallest share of points in view that go undetected")
    missed_max: float = setting(0.5, "largest")
    clutter_min: float = setting(0.1, "smallest share of keypoints that are no map point")
    clutter_max: float = setting(0.5, "largest")
    clutter_clustered: float = setting(0.0, "share of the clutter in clusters", range=(0, 1))
    harmonics: int = setting(48, "detail of the panoramas in azimuth")
    bands: int = setting(32, "detail of the panoramas in elevation")
    batch: int = setting(128, "views a step")
    compared: int = setting(400, "places that the true ones are told from in a step")
    matches: int = setting(8, "keypoints of a view whose match is trained")
    learning_rate: float = setting(7e-4, "Adam's, after warm-up")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minutes <= 0 and self.views <= 0:
            raise ConfigError("give `minutes` or `views`, or the training never ends.")
