"""What a cue is.

Keypoints and map points become vectors in which a cue's noise is the unit: a keypoint that shows a
point differs from it by a standard normal vector. So one evaluation, in `pairs.py`, serves all.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float32]


class MapCue(Protocol):
    """A cue of one map. points: (N, D) in units of the noise, NaN where unknown."""

    points: Array

    def of_keypoints(self, values: NDArray[Any], pixel: float) -> Array:
        """Values of keypoints (M, ...) -> (M, D) in units of the noise, NaN where unknown.

        pixel: its size on the z = 1 plane.
        """


class PosedMapCue(MapCue, Protocol):
    """One whose value at a point depends on the pose, as the size in pixels does."""

    def at(self, points: Tensor, in_camera: Tensor, R_camera_map: Tensor) -> Tensor:
        """What rows (..., D) of `points` become in cameras that see them at (..., 3).

        in_camera: metres. R_camera_map: (..., 3, 3) of the cameras. Returns (..., D), to be
        compared with `of_keypoints`.
        """


class Cue(Protocol):
    """Named like the column of keypoints and map that it compares."""

    name: str

    def of_map(self, values: NDArray[Any]) -> MapCue:
        """From the values (N, ...) of the map's points; done once a map."""


class PosedCue(Protocol):
    """Named like the column of keypoints and map that it compares."""

    name: str

    def of_map(self, values: NDArray[Any]) -> PosedMapCue:
        """From the values (N, ...) of the map's points; done once a map."""
