"""Buildings whose walls hide what is behind them: the demo's six rooms, and sixty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpnp_ros import PointMap, keypoints_from_pixels
from bpnp_ros.simulation.camera_path import make_camera_path
from bpnp_ros.simulation.observation import DetectorNoise, observe
from bpnp_ros.simulation.world import World, make_world
from experiments.zoo.kind import CAMERA, FEWEST, HERTZ, SECONDS
from experiments.zoo.trial import Array, Shown, Trial, reckoned

ROOMS_VISITED = 10  # walks of which first fixes are asked for
NOISE = DetectorNoise(1.0, 0.3, 0.3)


@dataclass(frozen=True)
class Building:
    """rooms_per_side: of a corridor."""

    rooms_per_side: int
    right_metres: float = 0.25

    def trial(self, frames: int, seed: int) -> Trial:
        """First fixes along walks in rooms of the building, and one of these walks."""
        world = make_world(seed, self.rooms_per_side)
        rng = np.random.default_rng([seed, 1])
        count = min(ROOMS_VISITED, frames, len(world.plan.rooms) - 1)
        walks = make_camera_path(world.plan, seed, SECONDS * count, HERTZ, count - 1).T_map_camera
        asked = walks[:: max(len(walks) // frames, 1)][:frames]
        shown = [_shown(world, T, rng) for T in asked]
        way = walks[: round(SECONDS * HERTZ)]
        odometry = reckoned(way, rng)
        drive = [_shown(world, T, rng, at / HERTZ, odometry[at]) for at, T in enumerate(way)]
        source = PointMap.recentred(world.landmarks)
        told: dict[str, object] = {"camera_height_min": 1.2, "camera_height_max": 1.8}
        return Trial(source, told, self.right_metres, shown, drive, camera=CAMERA)


def _shown(
    world: World,
    T: Array,
    rng: np.random.Generator,
    stamp: float = 0.0,
    odometry: Array | None = None,
) -> Shown:
    report = observe(world, T, CAMERA, NOISE, rng)
    in_view = round(int((report.landmark >= 0).sum()) / (1 - NOISE.missed))
    enough = len(report.pixels) >= FEWEST
    keypoints = keypoints_from_pixels(report.pixels, CAMERA) if enough else None
    return Shown(keypoints, T, in_view, stamp, odometry)


KINDS = {
    "the demo's building": Building(3),
    "a building of 60 rooms": Building(30),
}
