"""All cues together: how much likelier each map point makes each keypoint's colour, class, ...

The background is the map's own distribution, so a cue that says nothing adds nothing; and a share
of outliers bounds what a wrong one can do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.localizer.cues.colour import Colour
from bpnp_ros.localizer.cues.cue import Array, Compared, Cue
from bpnp_ros.localizer.cues.label import Label
from bpnp_ros.point_map.point_map import PointMap

CUES: tuple[Cue, ...] = (Label(), Colour())
OUTLIERS = 0.1  # share of true pairs whose cue says nothing


def pair_nats(keypoints: Keypoints, point_map: PointMap) -> NDArray[np.float32] | None:
    """(M, N) log-likelihood ratio of each pair by its cues, nats; None where none is shared."""
    shared = [cue for cue in CUES if cue.name in keypoints.cues and cue.name in point_map.cues]
    if not shared:
        return None
    parts = [
        _nats(cue.compare(keypoints.cues[cue.name], point_map.cues[cue.name])) for cue in shared
    ]
    return sum(parts[1:], parts[0]).astype(np.float32)


def _nats(compared: Compared) -> Array:
    """Against a point of the map taken at random; 0 where either value is unknown."""
    density, keypoints, points = compared
    nats = np.zeros_like(density)
    if not (keypoints.any() and points.any()):
        return nats
    known = density[np.ix_(keypoints, points)]
    highest = known.max(axis=1, keepdims=True)
    likelihood = np.exp(known - highest)
    ratio = likelihood / likelihood.mean(axis=1, keepdims=True)
    nats[np.ix_(keypoints, points)] = np.log((1 - OUTLIERS) * ratio + OUTLIERS)
    return nats
