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
from bpnp_ros.localizer.cues.orientation import NAME as ANGLE
from bpnp_ros.localizer.cues.orientation import Aims, MapDirections
from bpnp_ros.localizer.cues.sign import Sign
from bpnp_ros.localizer.cues.size import Size
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.map_model import MapModel

CUES: tuple[Cue, ...] = (Label(), Colour(), Sign(), Intensity(), Size())
OUTLIERS = 0.1  # share of true pairs whose cue says nothing
FAR_TAIL = math.exp(-8.0)  # density at which a cue that suits no point begins to say nothing
BACKGROUND = 2048  # points that stand for all of the map


class MapCues:
    """The cues of a map, made ready once."""

    def __init__(self, model: MapModel) -> None:
        values = model.point_map.cues
        self._cues = {c.name: c.of_map(values[c.name], model) for c in CUES if c.name in values}
        self.directions = MapDirections(model) if ANGLE in values else None

    def table(self, keypoints: Keypoints) -> Tensor | None:
        """(M, N) float32 log-likelihood ratio of each pair by its cues, nats, on the CPU; None
        where none is shared."""
        tables = [
            _table(_shown(cue, name, keypoints), cue)
            for name, cue in self._cues.items()
            if name in keypoints.cues
        ]
        return sum(tables[1:], tables[0]) if tables else None

    def aims(self, keypoints: Keypoints) -> Aims | None:
        """What orientations say, which poses turn; None where they are not on both sides."""
        if self.directions is None or ANGLE not in keypoints.cues:
            return None
        return self.directions.aims(keypoints)

    def told(self, keypoints: Keypoints, fix: Fix) -> dict[str, tuple[float, int]]:
        """By cue, what it says of the pairs of a fix: nats in all, and of how many pairs."""
        told = {}
        rows, points = torch.from_numpy(fix.keypoint_index), torch.from_numpy(fix.point_index)
        for name, cue in self._cues.items():
            if name in keypoints.cues:
                shown = _shown(cue, name, keypoints)[rows]
                nats = _table(shown, cue)[torch.arange(len(rows)), points]
                told[name] = (float(nats.sum()), int((nats != 0).sum()))
        if self.directions is not None and ANGLE in keypoints.cues:
            nats = self.directions.told(keypoints, fix)
            told[ANGLE] = (float(nats.sum()), int((nats != 0).sum()))
        return told


def _shown(cue: MapCue, name: str, keypoints: Keypoints) -> Tensor:
    return torch.from_numpy(cue.of_keypoints(keypoints.cues[name], keypoints.frustum.pixel))


def _table(keypoints: Tensor, cue: MapCue) -> Tensor:
    """Nats (M, N) against points of the map taken at random; 0 where either value is unknown."""
    points, noise = torch.from_numpy(cue.points), torch.from_numpy(cue.noise).float()
    known = points[points.isfinite().all(dim=1)]
    if not len(known):
        return keypoints.new_zeros(len(keypoints), len(points))
    some = known[:: -(-len(known) // BACKGROUND)]
    level = _density(keypoints, some, noise).mean(dim=1, keepdim=True).add_(FAR_TAIL)
    likelier = _density(keypoints, points, noise).add_(FAR_TAIL).div_(level)
    return likelier.mul_(1 - OUTLIERS).add_(OUTLIERS).log_().nan_to_num_(nan=0.0)


def _density(keypoints: Tensor, points: Tensor, noise: Tensor) -> Tensor:
    """Of values (M, D) about (N, D), up to a factor.

    Half of true pairs differ as is usual in all maps (by 1), half as in this one's photographs (by
    `noise`): those of another camera or another light differ by more.
    """
    usual = _gaussian(keypoints, points)
    if bool((noise == 1).all()):
        return usual
    own = _gaussian(keypoints / noise, points / noise)
    return own.div_(noise.expand(points.shape[1]).prod()).add_(usual).mul_(0.5)


def _gaussian(keypoints: Tensor, points: Tensor) -> Tensor:
    half_u, half_v = (0.5 * v.square().sum(dim=1) for v in (keypoints, points))
    return (keypoints @ points.T).sub_(half_u[:, None]).sub_(half_v).clamp_(max=0.0).exp_()
