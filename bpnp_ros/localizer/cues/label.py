"""Classes of landmarks: cone colours, lamp types, what a detector calls a thing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.localizer.cues.cue import Compared

CONFUSED = 0.05  # share of keypoints whose class the detector gets wrong


class Label:
    """Equal, or taken for another class. A class that the map does not have says nothing."""

    name = "label"

    def compare(self, keypoints: NDArray[Any], points: NDArray[Any]) -> Compared:
        shown = np.nan_to_num(np.asarray(keypoints, np.float64), nan=-1).ravel()
        classes = np.asarray(points, np.float64).ravel()
        known = classes >= 0
        kinds = np.unique(classes[known])
        wrong = CONFUSED / max(len(kinds) - 1, 1)
        equal = shown[:, None] == classes
        density = np.log(np.where(equal, 1 - CONFUSED, wrong))
        return Compared(density, np.isin(shown, kinds), known)
