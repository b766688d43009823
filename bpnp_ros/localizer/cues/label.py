"""Classes of landmarks: cone colours, lamp types, what a detector calls a thing."""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.localizer.cues.cue import ONE, Array
from bpnp_ros.map_model.map_model import MapModel

_log = logging.getLogger(__name__)

CONFUSED = 0.05  # share of keypoints whose class the detector gets wrong


class Label:
    """Equal, or taken for another class. A class that the map does not have says nothing."""

    name = "label"

    def of_map(self, values: NDArray[Any], model: MapModel) -> _MapLabel:
        return _MapLabel(np.asarray(values, np.float64).ravel())


class _MapLabel:
    """Classes are corners of a simplex: all equally far from each other."""

    noise = ONE

    def __init__(self, classes: NDArray[np.float64]) -> None:
        self._kinds = np.unique(classes[classes >= 0])
        wrong = CONFUSED / max(len(self._kinds) - 1, 1)
        self._corner = math.sqrt(math.log((1 - CONFUSED) / wrong))
        self.points = self._corners(classes)
        self._has_warned = False

    def of_keypoints(self, values: NDArray[Any], pixel: float) -> Array:
        classes = np.asarray(values, np.float64).ravel()
        strange = np.setdiff1d(classes[np.isfinite(classes)], self._kinds)
        if len(strange) and not self._has_warned:
            self._has_warned = True
            _log.warning(
                "keypoints have the label %s, which the map does not have (it has %s): such labels "
                "say nothing; give detector and map the same numbers.",
                _listed(strange),
                _listed(self._kinds) or "none",
            )
        return self._corners(classes)

    def _corners(self, classes: NDArray[np.float64]) -> Array:
        corners = np.where(classes[:, None] == self._kinds, self._corner, 0.0)
        corners[~np.isin(classes, self._kinds)] = np.nan
        return corners.astype(np.float32)


def _listed(classes: NDArray[np.float64], most: int = 5) -> str:
    """For people."""
    more = ", ..." if len(classes) > most else ""
    return ", ".join(f"{value:g}" for value in classes[:most]) + more
