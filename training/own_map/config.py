"""Settings of `training.own_map`."""

from __future__ import annotations

from dataclasses import dataclass

from bpnp_ros.configuration.parameter import setting
from bpnp_ros.errors import ConfigError
from training.common.settings import Settings

_SHARE = (0, 0.95)
_PAIRS = (
    ("camera_height_min", "camera_height_max"),
    ("missed_min", "missed_max"),
    ("clutter_min", "clutter_max"),
)


@dataclass(frozen=True)
class OwnMapConfig(Settings):
    """How to train for one map. Metres, radians, pixels."""

    minutes: float = setting(30.0, "train this long; 0: until `views`", "min", range=(0, 100_000))
    views: int = setting(0, "train on so many views; 0: until `minutes`", range=(0, 10**12))
    seed: int = setting(0, "of places, views and weights", range=(0, 2**32 - 1))
    width: int = setting(640, "image width", "px", range=(16, 20_000))
    height: int = setting(480, "image height", "px", range=(16, 20_000))
    focal: float = setting(
        370.0, "focal length; take that of your widest camera", "px", range=(1, 100_000)
    )
    camera_height_min: float = setting(
        1.2, "lowest camera above the floor", "m", range=(-1000, 1000)
    )
    camera_height_max: float = setting(
        1.8, "highest camera above the floor", "m", range=(-1000, 1000)
    )
    tilt: float = setting(0.2, "largest pitch and roll", "rad", range=(0, 3.2))
    range_max: float = setting(
        0.0, "points farther away are not seen; 0: as far as the map is wide", "m", range=(0, 1e6)
    )
    places: int = setting(
        0,
        "places drawn from the free volume; 0: four for each that is told apart",
        range=(0, 10**7),
    )
    cell: float = setting(
        0.0,
        "the network tells places of this width apart; 0: a tenth of how far away things are",
        "m",
        range=(0, 1e3),
    )
    layer: float = setting(0.0, "and of this height; 0: 0.6 of the width", "m", range=(0, 1e3))
    memory: float = setting(
        2.0,
        "that the network may take in training; both are larger where it would take more",
        "GB",
        range=(1e-3, 1e3),
    )
    path_margin: float = setting(
        0.5, "how far from a recorded path a camera may be", "m", range=(0, 1e3)
    )
    most_points: int = setting(10000, "thin the map to so many points", range=(4, 1_000_000))
    pixel_noise: float = setting(1.0, "standard deviation of keypoints", "px", range=(0, 1000))
    missed_min: float = setting(
        0.1, "smallest share of points in view that go undetected", range=_SHARE
    )
    missed_max: float = setting(0.5, "largest", range=_SHARE)
    clutter_min: float = setting(
        0.1, "smallest share of keypoints that are no map point", range=_SHARE
    )
    clutter_max: float = setting(0.5, "largest", range=_SHARE)
    clutter_clustered: float = setting(0.0, "share of the clutter in clusters", range=(0, 1))
    harmonics: int = setting(48, "detail of the panoramas in azimuth", range=(1, 1000))
    bands: int = setting(32, "detail of the panoramas in elevation", range=(1, 1000))
    batch: int = setting(128, "views a step", range=(1, 65_536))
    compared: int = setting(
        400, "places that the true ones are told from in a step", range=(1, 100_000)
    )
    matches: int = setting(8, "keypoints of a view whose match is trained", range=(1, 10_000))
    learning_rate: float = setting(7e-4, "Adam's, after warm-up", range=(0, 10))

    @property
    def most_cells(self) -> int:
        """How many places the memory is enough for: a weight has a gradient and two moments."""
        weights = 2 * (self.harmonics + 1) * (self.bands + 1)
        return max(int(1e9 * self.memory / (16 * weights)), 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minutes <= 0 and self.views <= 0:
            raise ConfigError("give `minutes` or `views`, or the training never ends.")
        for low, high in _PAIRS:
            if getattr(self, low) > getattr(self, high):
                raise ConfigError(f"{low} is {getattr(self, low)}, more than {high}.")
