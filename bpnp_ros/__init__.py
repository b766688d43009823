"""A camera finds itself in a point-cloud map from keypoint positions alone (blind PnP).

    import numpy as np
    from bpnp_ros import Camera, Localizer

    localizer = Localizer.from_map("map.ply")
    camera = Camera(np.array([[400.0, 0, 320], [0, 400, 240], [0, 0, 1]]), width=640, height=480)
    answer = localizer.localize(pixels, camera)  # (M, 2) pixels -> Fix or Rejection

Poses are named by their frames: `T_map_camera` maps camera points into the map. The camera's frame
is optical (x right, y down, z forward). Metres, radians, seconds. The names here are stable; what
lies deeper may move. Each is imported when it is first used, so `import bpnp_ros` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bpnp_ros.configuration.parameters import LocalizerConfig as LocalizerConfig
    from bpnp_ros.errors import BpnpError as BpnpError
    from bpnp_ros.errors import ConfigError as ConfigError
    from bpnp_ros.errors import MapError as MapError
    from bpnp_ros.errors import WeightsError as WeightsError
    from bpnp_ros.geometry.camera import Camera as Camera
    from bpnp_ros.keypoints.keypoints import Keypoints as Keypoints
    from bpnp_ros.keypoints.keypoints import keypoints_from_pixels as keypoints_from_pixels
    from bpnp_ros.localizer.localizer import Localizer as Localizer
    from bpnp_ros.localizer.prior import PosePrior as PosePrior
    from bpnp_ros.localizer.types import Category as Category
    from bpnp_ros.localizer.types import Fix as Fix
    from bpnp_ros.localizer.types import Rejection as Rejection
    from bpnp_ros.network.blind_pose import likeliest_pose as likeliest_pose
    from bpnp_ros.network.bpnpnet import BPnPNet as BPnPNet
    from bpnp_ros.network.canonical_frame import canonical_frame as canonical_frame
    from bpnp_ros.optimal_transport.dustbin import dustbin_sinkhorn as dustbin_sinkhorn
    from bpnp_ros.optimal_transport.sinkhorn import sinkhorn as sinkhorn
    from bpnp_ros.optimal_transport.sinkhorn import uniform_prior as uniform_prior
    from bpnp_ros.pnp.ransac import RansacPose as RansacPose
    from bpnp_ros.pnp.ransac import initial_poses as initial_poses
    from bpnp_ros.pnp.ransac import ransac as ransac
    from bpnp_ros.pnp.weighted_pnp import weighted_pnp as weighted_pnp
    from bpnp_ros.point_map.loading import load_map as load_map
    from bpnp_ros.point_map.point_map import PointMap as PointMap
    from bpnp_ros.weights.bpnpnet_file import any_map_weights as any_map_weights
    from bpnp_ros.weights.bpnpnet_file import load_bpnpnet as load_bpnpnet
    from bpnp_ros.weights.bundle import MapBundle as MapBundle

__version__ = "0.1.0"

_HOMES = {
    "configuration.parameters": ("LocalizerConfig",),
    "errors": ("BpnpError", "ConfigError", "MapError", "WeightsError"),
    "geometry.camera": ("Camera",),
    "keypoints.keypoints": ("Keypoints", "keypoints_from_pixels"),
    "localizer.localizer": ("Localizer",),
    "localizer.prior": ("PosePrior",),
    "localizer.types": ("Category", "Fix", "Rejection"),
    "network.blind_pose": ("likeliest_pose",),
    "network.bpnpnet": ("BPnPNet",),
    "network.canonical_frame": ("canonical_frame",),
    "optimal_transport.dustbin": ("dustbin_sinkhorn",),
    "optimal_transport.sinkhorn": ("sinkhorn", "uniform_prior"),
    "pnp.ransac": ("RansacPose", "initial_poses", "ransac"),
    "pnp.weighted_pnp": ("weighted_pnp",),
    "point_map.loading": ("load_map",),
    "point_map.point_map": ("PointMap",),
    "weights.bpnpnet_file": ("any_map_weights", "load_bpnpnet"),
    "weights.bundle": ("MapBundle",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> Any:
    """A public name, from where it lives (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"bpnp_ros has no name '{name}'; it has {', '.join(sorted(_HOME))}.")
    found = getattr(import_module(f"bpnp_ros.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
