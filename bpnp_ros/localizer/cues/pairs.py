"""All cues together: how much likelier each map point makes each keypoint's colour, class, ...

The background is the map's own distribution, so a cue that says nothing adds nothing; and a share
of outliers bounds what a wrong one can do.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.localizer.cues.colour import Colour
from bpnp_ros.localizer.cues.cue import Cue, MapCue
from bpnp_ros.localizer.cues.intensity import Intensity
from bpnp_ros.localizer.cues.label import Label
from bpnp_ros.localizer.cues.sign import Sign
from bpnp_ros.localizer.cues.size import Size
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.map_model import MapModel

CUES: tuple[Cue, ...] = (Label(), Colour(), Sign(), Intensity(), Size())
OUTLIERS = 0.1  # share of true pairs whose cue says nothing
BACKGROUND = 2048  # points that stand for all of the map


class MapCues:
    """The cues of a map, made ready once."""

    def __init__(self, model: MapModel) -> None:
        values = model.point_map.cues
        self._cues = {c.name: c.of_map(values[c.name], model) for c in CUES if c.name in values}

    def table(self, keypoints: Keypoints) -> Tensor | None:
        """(M, N) float32 log-likelihood ratio of each pair by its cues, nats, on the CPU; None
        where none is shared."""
        tables = [
            _table(_shown(cue, name, keypoints), torch.from_numpy(cue.points))
            for name, cue in self._cues.items()
            if name in keypoints.cues
        ]
        return sum(tables[1:], tables[0]) if tables else None

    def told(self, keypoints: Keypoints, fix: Fix) -> dict[str, tuple[float, int]]:
        """By cue, what it says of the pairs of a fix: nats in all, and of how many pairs."""
        told = {}
        rows, points = torch.from_numpy(fix.keypoint_index), torch.from_numpy(fix.point_index)
        for name, cue in self._cues.items():
            if name in keypoints.cues:
                shown = _shown(cue, name, keypoints)[rows]
                nats = _table(shown, torch.from_numpy(cue.points))[torch.arange(len(rows)), points]
                told[name] = (float(nats.sum()), int((nats != 0).sum()))
        return told


def _shown(cue: MapCue, name: str, keypoints: Keypoints) -> Tensor:
    return torch.from_numpy(cue.of_keypoints(keypoints.cues[name], keypoints.frustum.pixel))


def _table(keypoints: Tensor, points: Tensor) -> Tensor:
    """Against points of the map taken at random; 0 where either value is unknown."""
    known = points[points.isfinite().all(dim=1)]
    if not len(known):
        return keypoints.new_zeros(len(keypoints), len(points))
    some = known[:: -(-len(known) // BACKGROUND)]
    level = _density(keypoints, some).logsumexp(dim=1) - math.log(len(some))
    return _bounded(_density(keypoints, points) - level[:, None]).nan_to_num_(nan=0.0)


def _density(keypoints: Tensor, points: Tensor) -> Tensor:
    """Log-density (M, N) of values (M, D) about (N, D), up to a constant."""
    half_u, half_v = (0.5 * v.square().sum(dim=1) for v in (keypoints, points))
    return (keypoints @ points.T).sub_(half_u[:, None]).sub_(half_v).clamp_(max=0.0)


def _bounded(nats: Tensor) -> Tensor:
    """What a pair says when some true pairs say nothing."""
    return nats.exp_().mul_(1 - OUTLIERS).add_(OUTLIERS).log_()
