"""What a calibration leaves open of a pose.

No focal length is known exactly, and a camera at a wrong one is further back or ahead than it
seems. The frame itself says something of it, and so do views before: what is left, and how far what
is likeliest is from what CameraInfo says, is in the covariance. The pose stays as told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.evidence.covariance import (
    POSE,
    axes_in_map,
    in_map,
    known_beforehand,
    left_open,
)
from bpnp_ros.localizer.self_checks.look import Look
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]

FOCAL = 6  # row of what a frame shows


@dataclass(frozen=True)
class Calibration:
    """What is known of the focal length's error, relative: its mean and standard deviation."""

    focal: float = 0.0
    sigma: float = 0.005


def with_calibration(
    model: MapModel, told: Look, fix: Fix, known: Calibration, config: LocalizerConfig
) -> Fix:
    """The fix with the covariance of one whose focal length is `known` no better than that.

    told: the fix as it is seen through the lens of CameraInfo.
    """
    by_focal, focal, variance = _on_focal(model, told, known)
    second_moment = config.covariance_scale * (variance + focal**2)
    wider = fix.covariance + second_moment * np.outer(by_focal, by_focal)
    return replace(fix, covariance=wider)


def _on_focal(model: MapModel, told: Look, known: Calibration) -> tuple[Array, float, float]:
    """How far the pose moves (6,) for a focal length twice as long, in the map's axes; mean and
    variance of the focal length's error by the frame and what was known before."""
    T, H, g = told.T_map_camera, told.sight.H, told.sight.g
    axes = axes_in_map(T)
    shared = axes @ H[POSE, FOCAL]
    open_pose = left_open(model, in_map(H[POSE, POSE], T) + known_beforehand(model, T))
    by_focal = -open_pose @ shared
    said = max(float(H[FOCAL, FOCAL] + shared @ by_focal), 0.0)
    pull = float(g[FOCAL] + by_focal @ axes @ g[POSE])
    variance = 1 / (said + known.sigma**-2)
    return by_focal, variance * (pull + known.focal / known.sigma**2), variance
