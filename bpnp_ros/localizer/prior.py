"""What is believed of the camera's pose before the frame is looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class PosePrior:
    """T_map_camera: (4, 4) in the map's own frame. covariance: (6, 6) of (x y z rx ry rz).

    Position of the camera in the map and rotation about the map's fixed axes, m^2 and rad^2.
    """

    T_map_camera: NDArray[np.float64]
    covariance: NDArray[np.float64]
