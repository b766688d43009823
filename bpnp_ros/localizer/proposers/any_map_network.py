"""Poses from the paper's network, whose weights know no map: it is shown crops of this one.

A crop is what one of the best stored views sees of the map, in that view's camera frame. The
keypoints go through the network with every crop in one batch; RANSAC on the matches, and weighted
blind PnP from there, give the candidates. What cues say of pairs is added to the network's odds.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.chart import PINHOLE
from bpnp_ros.geometry.transform import T_map_camera_from_theta
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.distinct import distinct
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import MOST_COARSE_POINTS, predict
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.localizer.proposers.proposer import Proposal
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.network.canonical_frame import canonical_frames
from bpnp_ros.network.matching import Matching, MatchingNetwork, true_points
from bpnp_ros.network.pose_weights import pose_weights
from bpnp_ros.pnp.ransac import RansacSettings, initial_poses
from bpnp_ros.pnp.weighted_pnp import weighted_pnp

VIEWS_ASKED = 512
FEWEST_CROPS, MOST_CROPS = 4, 8
MOST_PAIRS = 1_000_000  # of a keypoint and a point, in all crops together
APART = (0.25, 0.35)  # depths and radians between the views of two crops
FEWEST_POINTS, MOST_KEYPOINTS = 8, 512
RANSAC_ITERATIONS, PNP_ITERATIONS = 2000, 20

_log = logging.getLogger(__name__)


class StoredViews(Protocol):
    """Views of the map, and which of them a frame looks like."""

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None: ...

    def best_views(self, frame: Frame, count: int) -> Tensor:
        """T_map_camera (count, 4, 4) at most, the best first."""


@dataclass(frozen=True, eq=False)
class Crops:
    """B crops of the map as a network for any map sees them.

    T_map_crop: (B, 4, 4), the views' cameras. points: (B, N, 3) in units from the origins, padded
    by repeating the first. rows: (B, N) of the map. counts: (B,) true points. origin: (B, 3)
    metres, in the crop's camera. unit: (B,) metres.
    """

    T_map_crop: Tensor
    points: Tensor
    rows: Tensor
    counts: Tensor
    origin: Tensor
    unit: Tensor

    @classmethod
    def seen_from(cls, model: MapModel, T_map_camera: Tensor, frustum: Frustum) -> Crops:
        """Of the poses (P, 4, 4) from which enough of the map is in view."""
        seen = predict(model, T_map_camera, frustum, MOST_COARSE_POINTS)
        counts = (seen.weight > 0).sum(dim=1)
        rows = (counts >= FEWEST_POINTS).nonzero()[:, 0]
        points, counts = seen.in_camera[rows], counts[rows]
        true = true_points(counts, points)
        origin, unit = canonical_frames(points, true)
        canonical = torch.where(true[..., None], points, points[:, :1]).sub(origin) / unit
        crop = T_map_camera[rows], canonical, seen.point[rows], counts
        return cls(*crop, origin[:, 0], unit[:, 0, 0])

    def __len__(self) -> int:
        return len(self.counts)

    def select(self, rows: Tensor | slice) -> Crops:
        return Crops(*(tensor[rows] for tensor in vars(self).values()))

    def in_map(self, theta: Tensor) -> Tensor:
        """T_map_camera (B, 4, 4) of poses theta (B, 6) that were found in the crops."""
        T_crop_camera = T_map_camera_from_theta(theta)
        T_crop_camera[:, :3, 3] = T_crop_camera[:, :3, 3] * self.unit[:, None] + self.origin
        return self.T_map_crop @ T_crop_camera


class AnyMapNetwork:
    """LO-RANSAC and weighted blind PnP on what the network matches in crops of the map."""

    name = "bpnpnet"

    def __init__(
        self, model: MapModel, network: MatchingNetwork, views: StoredViews, seed: int
    ) -> None:
        self._model, self._network, self._views = model, network, views
        self._settings = RansacSettings(
            max_iterations=RANSAC_ITERATIONS, min_iterations=200, seed=seed
        )
        self._batch = MOST_CROPS

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """See to the views that crops are taken from, and to machine code for the pose layer."""
        self._views.prepare(frustum, progress)
        one = torch.ones(1, 1, 6)
        weighted_pnp(one[..., :1], one[..., :2], one[..., :3], one[0])

    @torch.no_grad()
    def propose(self, frame: Frame) -> Proposal:
        """Two for every crop in which RANSAC finds a pose: that one, and weighted PnP's.

        None where the view is too wide for the z = 1 plane, which the network learnt on.
        """
        if frame.frustum.chart != PINHOLE:
            return self._proposal(frame.xy.new_zeros(0, 4, 4))
        views = self._views.best_views(frame, VIEWS_ASKED)
        metres, radians = APART
        views = views[distinct(views, metres * self._model.depth, radians, MOST_CROPS)]
        crops = Crops.seen_from(self._model, views, frame.frustum)
        if not len(crops):
            return self._proposal(views[:0])
        frame = frame.at_most(MOST_KEYPOINTS)
        affordable = MOST_PAIRS // (len(frame.xy) * crops.points.shape[1])
        crops = crops.select(slice(max(affordable, FEWEST_CROPS)))
        poses, found = self.poses(frame, crops)
        return self._proposal(poses[found & self._model.view_space.holds(poses)])

    def _proposal(self, poses: Tensor) -> Proposal:
        """Its crops are of views that the search begins with anyway."""
        return Proposal(Candidates.of(poses, self.name))

    def poses(self, frame: Frame, crops: Crops) -> tuple[Tensor, Tensor]:
        """T_map_camera (2 B, 4, 4) in B crops, RANSAC's and weighted PnP's, and which were found.

        Nothing waits for a GPU.
        """
        matching, xy = self._matching(frame, crops), frame.xy
        B = len(crops)
        p2d, counts = xy.expand(B, *xy.shape), crops.counts.new_full((B,), len(xy))
        theta0, found = initial_poses(
            matching.P, p2d, crops.points, counts, crops.counts, self._settings
        )
        W = pose_weights(matching, p2d, crops.points, theta0)
        theta = weighted_pnp(W, p2d, crops.points, theta0, PNP_ITERATIONS)
        poses = torch.cat([crops.in_map(theta0), crops.in_map(theta)])
        return poses, found.repeat(2) & poses.isfinite().flatten(1).all(dim=1)

    def _matching(self, frame: Frame, crops: Crops) -> Matching:
        """Of all crops, as many at once as there is memory for."""
        while True:
            try:
                parts = [
                    self._matched(frame, crops.select(slice(at, at + self._batch)))
                    for at in range(0, len(crops), self._batch)
                ]
            except (MemoryError, RuntimeError) as error:
                if not _is_of_memory(error) or self._batch == 1:
                    raise
                if self._batch == MOST_CROPS:
                    _log.warning("too little memory: bpnpnet will look at fewer crops at once")
                self._batch //= 2
            else:
                return _joined(parts)

    def _matched(self, frame: Frame, crops: Crops) -> Matching:
        """With what cues say of the pairs, where there are some, beside what the network says."""
        counts = crops.counts.new_full((len(crops),), len(frame.xy))
        p2d = frame.xy.expand(len(crops), *frame.xy.shape)
        told = None if frame.pairs is None else frame.pairs[:, crops.rows].transpose(0, 1)
        matching: Matching = self._network(p2d, crops.points, counts, crops.counts, told=told)
        return matching


def _joined(parts: list[Matching]) -> Matching:
    columns = zip(*parts, strict=True)
    return Matching._make(None if part[0] is None else torch.cat(part) for part in columns)


def _is_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "memory" in str(error)
