"""What a cue is.

Keypoints and map points become vectors in which a cue's noise is the unit: a keypoint that shows a
point differs from it by a standard normal vector. So one evaluation, in `pairs.py`, serves all.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float32]


class MapCue(Protocol):
    """A cue of one map. points: (N, D) in units of the noise, NaN where unknown."""

    points: Array

    def of_keypoints(self, values: NDArray[Any], pixel: float) -> Array:
        """Values of keypoints (M, ...) -> (M, D) in units of the noise, NaN where unknown.

        pixel: its size on the z = 1 plane.
        """


class Cue(Protocol):
    """Named like the column of keypoints and map that it compares."""

    name: str

    def of_map(self, values: NDArray[Any], model: MapModel) -> MapCue:
        """From the values (N, ...) of the points of `model`; done once a map."""
