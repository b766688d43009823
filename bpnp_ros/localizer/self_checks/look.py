"""What a pose shows of a frame through some lens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.localizer.evidence.sight import Sight, sight
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.self_checks.lens_error import LensError
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Look:
    """What one pose (4, 4) in the recentred map shows of a frame, at the frame's own noise.

    lens: through which the frame is seen. on_lens: (2, 2) information that there is on it.
    """

    T_map_camera: Tensor
    frame: Frame
    sight: Sight
    lens: LensError = field(default_factory=LensError)
    on_lens: Array = field(default_factory=lambda: np.zeros((2, 2)))

    @classmethod
    def as_told(cls, model: MapModel, frame: Frame, fix: Fix) -> Look:
        """A fix of a frame that was read as CameraInfo says."""
        pose = fix.T_map_camera.copy()
        pose[:3, 3] -= model.point_map.origin
        T = torch.from_numpy(pose).to(frame.xy)
        sigma = fix.keypoint_sigma_px * frame.frustum.pixel
        own = replace(frame, sigma=sigma, clutter=fix.clutter)
        return cls(T, own, sight(model, T, own))
