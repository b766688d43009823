"""What a user tells of a camera, held against the map: whether it could see anything at all."""

from __future__ import annotations

import math

import numpy as np

from bpnp_ros.errors import ConfigError
from bpnp_ros.map_model.motion import UNLIMITED, Motion
from bpnp_ros.point_map.point_map import PointMap

STEEP = math.cos(math.radians(30))  # of a camera that looks up or down, whatever its heading


def refuse_contradiction(point_map: PointMap, motion: Motion) -> None:
    """Raise ConfigError for a camera that looks up from above all landmarks, or down from below."""
    if not motion.knows_up or motion.heights == UNLIMITED:
        return
    along = point_map.in_map_frame @ motion.up
    lowest, highest = float(along.min()), float(along.max())
    low, high = motion.heights
    looks = motion.R_level_camera[2, 2]
    if (looks > STEEP and highest < low) or (looks < -STEEP and lowest > high):
        where, side = ("up", "below") if looks > 0 else ("down", "above")
        up = " ".join(f"{value:.3g}" for value in np.asarray(motion.up))
        raise ConfigError(
            f"the camera looks {where} from {low:g} to {high:g} m along up ({up}), but all "
            f"landmarks lie {side} it, from {lowest:.4g} to {highest:.4g} m; one of up, "
            "camera_mounting, camera_height_min and camera_height_max is wrong."
        )
