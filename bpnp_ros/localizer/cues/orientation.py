"""Orientation: which way a feature points in the image, against its direction in the map.

A pose turns it, so it is no table of pairs: `Aims` are part of the frame, and the measurement model
asks them at every pose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.geometry.chart import Chart
from bpnp_ros.geometry.transform import invert, transform_points
from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.localizer.cues.cue import own_noise
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.map_model import MapModel

NAME = "angle"
NOISE = 0.2
"""Standard deviation of one feature's orientation from photograph to photograph, rad."""
ASIDE = 0.25  # share of true pairs whose orientation says nothing, such as another corner's


@dataclass(frozen=True, eq=False)
class Aims:
    """What orientations say at a pose: ASIDE + (1 - ASIDE) exp(shown . aim), von Mises' density.

    shown: (M, 3) of keypoints, (k cos, k sin, -level): the level is the frame's own distribution.
    directions: (N, 3) of points in the map. Both are 0 where unknown, which then says nothing.
    """

    shown: Tensor
    directions: Tensor

    @property
    def most(self) -> float:
        """Nats that a pair gets at most."""
        best = self.shown[:, :2].norm(dim=1) + self.shown[:, 2]
        return math.log(ASIDE + (1 - ASIDE) * math.exp(float(best.max().clamp_min(0))))

    def take(self, rows: slice | Tensor) -> Aims:
        """Of some of the keypoints."""
        return replace(self, shown=self.shown[rows])

    def likelier(
        self, point: Tensor, in_camera: Tensor, R_camera_map: Tensor, chart: Chart, nearest: float
    ) -> Tensor:
        """(P, M, K): how much likelier points make the keypoints' orientations than chance.

        point: (P, K) rows of the map. in_camera: (P, K, 3). R_camera_map: (P, 3, 3).
        """
        along = self.directions[point] @ R_camera_map.transpose(1, 2)
        by_position = chart.jacobian(in_camera, nearest)[..., :3]
        aim = -(by_position @ along[..., None])[..., 0]
        length = aim.norm(dim=-1, keepdim=True)
        known = (length > 0).to(aim)
        aims = torch.cat([aim / length.clamp_min(1e-12), known], dim=-1)
        return ASIDE + (1 - ASIDE) * (self.shown @ aims.transpose(1, 2)).exp()


class MapDirections:
    """The directions of a map's features, made ready once."""

    def __init__(self, model: MapModel) -> None:
        self._model = model
        directions = torch.from_numpy(model.point_map.cues[NAME]).to(model.points)
        self._directions = directions.nan_to_num()
        sigma = float(own_noise(model, NAME, np.array([NOISE]))[0])
        self._concentration = 1 / sigma**2

    def aims(self, keypoints: Keypoints) -> Aims:
        """Of a frame's keypoints, of which some know an angle."""
        angle = torch.from_numpy(keypoints.cues[NAME]).to(self._directions)
        known = angle.isfinite()
        turn = torch.stack([angle.cos(), angle.sin()], dim=1)[known] * self._concentration**0.5
        shown = angle.new_zeros(len(angle), 3)
        if len(turn):
            level = (turn @ turn.T).logsumexp(dim=1) - math.log(len(turn))
            scaled = turn * self._concentration**0.5
            shown[known] = torch.cat([scaled, -level[:, None]], dim=1)
        return Aims(shown, self._directions)

    def told(self, keypoints: Keypoints, fix: Fix) -> Tensor:
        """Nats (K,) that orientations say of the pairs of a fix."""
        T = torch.from_numpy(fix.T_map_camera).clone()
        T[:3, 3] -= torch.from_numpy(self._model.point_map.origin)
        T_camera_map = invert(T).to(self._directions)
        point = torch.from_numpy(fix.point_index).to(self._directions.device)
        in_camera = transform_points(T_camera_map, self._model.points[point])
        aims = self.aims(keypoints).take(torch.from_numpy(fix.keypoint_index).to(point))
        chart, nearest = keypoints.frustum.chart, 1e-6 * self._model.depth
        seen = point[None], in_camera[None], T_camera_map[None, :3, :3]
        return aims.likelier(*seen, chart, nearest)[0].diagonal().log()
