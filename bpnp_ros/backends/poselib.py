"""PoseLib: LO-RANSAC for absolute poses. The only file that imports poselib (2.0 and newer)."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import BpnpError

Array = NDArray[np.float64]

_PLANE = {"model": "PINHOLE", "width": 1, "height": 1, "params": [1.0, 1.0, 0.0, 0.0]}


def _poselib() -> ModuleType:
    try:
        import poselib
    except ImportError as error:
        raise BpnpError(f"PoseLib cannot be loaded ({error}): pip install poselib.") from error
    module: ModuleType = poselib
    return module


def lo_ransac(xy: Array, points: Array, threshold: float, **options: Any) -> tuple[Array, Array]:
    """Pose of a calibrated camera by locally optimised RANSAC over P3P.

    xy: (K, 2) on the z = 1 plane; points: (K, 3) in the map; K >= 4, all finite. threshold:
    distance on the plane. options: PoseLib's own RansacOptions (max_iterations, seed, ...).
    Returns R (3, 3) and t (3,), world-to-camera; identity and zeros where it found nothing.
    """
    ransac = {"max_reproj_error": threshold, **options}
    bundle = {"loss_type": "CAUCHY", "loss_scale": threshold}
    pose, _ = _poselib().estimate_absolute_pose(xy, points, _PLANE, ransac, bundle)
    return np.asarray(pose.R, np.float64), np.asarray(pose.t, np.float64)
