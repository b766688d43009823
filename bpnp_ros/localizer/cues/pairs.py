"""All cues together: how much likelier each map point makes each keypoint's colour, class, ...

The background is the map's own distribution, so a cue that says nothing adds nothing; and a share
of outliers bounds what a wrong one can do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bpnp_ros.geometry.transform import invert, transform_points
from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.localizer.cues.colour import Colour
from bpnp_ros.localizer.cues.cue import Cue, MapCue, PosedCue, PosedMapCue
from bpnp_ros.localizer.cues.label import Label
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.point_map.point_map import PointMap

CUES: tuple[Cue, ...] = (Label(), Colour())
POSED_CUES: tuple[PosedCue, ...] = ()
OUTLIERS = 0.1  # share of true pairs whose cue says nothing
BACKGROUND = 2048  # points that stand for all of the map


@dataclass(frozen=True, eq=False)
class PosedPairs:
    """A frame and a map by a cue that depends on the pose.

    keypoints: (M, D), NaN where unknown. points: (N, D). level: (M,) log of the mean density
    of a keypoint's value over what the map's views show.
    """

    cue: PosedMapCue
    keypoints: Tensor
    points: Tensor
    level: Tensor

    def nats(
        self, keypoint: Tensor, point: Tensor, in_camera: Tensor, R_camera_map: Tensor
    ) -> Tensor:
        """Log-likelihood ratio of pairs, nats: keypoint rows (...), map rows (...) seen at (..., 3)
        by cameras (..., 3, 3); shapes broadcast."""
        expected = self.cue.at(self.points[point], in_camera, R_camera_map)
        density = -0.5 * (self.keypoints[keypoint] - expected).square().sum(dim=-1)
        return _bounded(density - self.level[keypoint]).nan_to_num_(nan=0.0)

    def select(self, rows: slice | Tensor) -> PosedPairs:
        """Of some of the keypoints."""
        return replace(self, keypoints=self.keypoints[rows], level=self.level[rows])


class MapCues:
    """The cues of a map, made ready once."""

    def __init__(self, point_map: PointMap) -> None:
        values = point_map.cues
        self._fixed = {cue.name: cue.of_map(values[cue.name]) for cue in CUES if cue.name in values}
        self._posed = {
            cue.name: cue.of_map(values[cue.name]) for cue in POSED_CUES if cue.name in values
        }

    def table(self, keypoints: Keypoints) -> Tensor | None:
        """(M, N) float32 log-likelihood ratio of each pair by its cues, nats, on the CPU; None
        where none is shared. Cues that depend on the pose are not in it."""
        tables = [
            _table(_shown(cue, name, keypoints), torch.from_numpy(cue.points))
            for name, cue in self._fixed.items()
            if name in keypoints.cues
        ]
        return sum(tables[1:], tables[0]) if tables else None

    def posed(self, keypoints: Keypoints, model: MapModel) -> tuple[PosedPairs, ...]:
        """The cues that depend on the pose, on the model's device."""
        return tuple(
            _posed_pairs(cue, _shown(cue, name, keypoints), model)
            for name, cue in self._posed.items()
            if name in keypoints.cues
        )


def _shown(cue: MapCue, name: str, keypoints: Keypoints) -> Tensor:
    return torch.from_numpy(cue.of_keypoints(keypoints.cues[name], keypoints.frustum.pixel))


def _table(keypoints: Tensor, points: Tensor) -> Tensor:
    """Against points of the map taken at random; 0 where either value is unknown."""
    known = points[points.isfinite().all(dim=1)]
    if not len(known):
        return keypoints.new_zeros(len(keypoints), len(points))
    some = known[:: -(-len(known) // BACKGROUND)]
    level = _mean_log(_density(keypoints, some))
    return _bounded(_density(keypoints, points) - level[:, None]).nan_to_num_(nan=0.0)


def _density(keypoints: Tensor, points: Tensor) -> Tensor:
    """Log-density (M, N) of values (M, D) about (N, D), up to a constant."""
    half_u, half_v = (0.5 * v.square().sum(dim=1) for v in (keypoints, points))
    return (keypoints @ points.T).sub_(half_u[:, None]).sub_(half_v).clamp_(max=0.0)


def _mean_log(density: Tensor) -> Tensor:
    """Log of the mean density over the last dimension."""
    return density.logsumexp(dim=-1) - math.log(density.shape[-1])


def _bounded(nats: Tensor) -> Tensor:
    """What a pair says when some true pairs say nothing."""
    return nats.exp_().mul_(1 - OUTLIERS).add_(OUTLIERS).log_()


def _posed_pairs(cue: PosedMapCue, keypoints: Tensor, model: MapModel) -> PosedPairs:
    """The background is what the map's views show: all their points, each as its view sees it."""
    points = torch.from_numpy(cue.points).to(model.points)
    keypoints = keypoints.to(points)
    poses = model.some_poses
    seen, chance = model.view_space.seen_from(poses)
    in_camera = transform_points(invert(poses), model.points[seen])
    R_camera_map = poses[:, None, :3, :3].transpose(2, 3)
    values = cue.at(points[seen], in_camera, R_camera_map)
    shown = values[(chance > 0) & (in_camera[..., 2] > 0) & values.isfinite().all(dim=2)]
    some = shown[:: -(-len(shown) // BACKGROUND) or 1]
    density = _density(keypoints, some) if len(some) else torch.zeros_like(keypoints[:, :1])
    return PosedPairs(cue, keypoints, points, _mean_log(density))
