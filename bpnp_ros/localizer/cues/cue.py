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

ONE = np.ones(1)
FINEST, COARSEST = 1.0, 2.0
"""Times what is believed of all maps, what is believed of one: photographs of one session differ by
less than those of a camera that comes later, and taken at their word they gave a wrong pose."""


class MapCue(Protocol):
    """A cue of one map. points: (N, D) in units of the noise, NaN where unknown.

    noise: (D,) or (1,) in the same units, of this map's own photographs; 1 where they do not tell.
    """

    points: Array
    noise: NDArray[np.float64]

    def of_keypoints(self, values: NDArray[Any], pixel: float) -> Array:
        """Values of keypoints (M, ...) -> (M, D) in units of the noise, NaN where unknown.

        pixel: its size on the z = 1 plane.
        """


class Cue(Protocol):
    """Named like the column of keypoints and map that it compares."""

    name: str

    def of_map(self, values: NDArray[Any], model: MapModel) -> MapCue:
        """From the values (N, ...) of the points of `model`; done once a map."""


def own_noise(model: MapModel, cue: str, of_all: NDArray[np.float64]) -> NDArray[np.float64]:
    """(D,): standard deviation of a cue as a map's own photographs show it, else that `of_all`."""
    own = model.point_map.cue_noise.get(cue, of_all)
    return np.clip(own, FINEST * of_all, COARSEST * of_all)
