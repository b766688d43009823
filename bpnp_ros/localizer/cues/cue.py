"""What a cue is."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Compared(NamedTuple):
    """density: (M, N) log-likelihood of a keypoint's value if it shows a point, up to a constant a
    keypoint. keypoints (M,), points (N,): whether their value is known."""

    density: Array
    keypoints: NDArray[np.bool_]
    points: NDArray[np.bool_]


class Cue(Protocol):
    """Named like the column of keypoints and map that it compares."""

    name: str

    def compare(self, keypoints: NDArray[Any], points: NDArray[Any]) -> Compared:
        """Values of keypoints (M, ...) against those of map points (N, ...)."""
