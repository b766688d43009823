"""How far away what a pose shows is: the length that poses of its frame are told apart by."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.map_model.map_model import MapModel


def shown_depth(model: MapModel, T_map_camera: Tensor, rows: NDArray[np.integer]) -> float:
    """Metres; of a pose (4, 4) in the recentred map, and the map's points that it explains.

    That of the map; or further, where few landmarks may be seen from outside, as those of a rig
    are, and where photographs are taken from near and from far.
    """
    if len(rows) == 0 or not (model.is_open or model.from_photographs):
        return model.depth
    points = model.points[torch.from_numpy(rows).to(model.points.device)]
    away = (points - T_map_camera[:3, 3].to(points)).norm(dim=1)
    return max(model.depth, float(away.median()))
