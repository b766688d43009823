"""Poses from the network that was trained for the map."""

from __future__ import annotations

import logging
import math

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.chart import PINHOLE
from bpnp_ros.geometry.transform import T_map_camera_from_theta
from bpnp_ros.keypoints.lens import WIDEST_PLANE
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.local_optimisation import coarse_to_fine_views
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.localizer.proposers.proposer import Proposal
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.network.bpnpnet_map import BPnPNetMap
from bpnp_ros.pnp.candidates import most_probable_pairs
from bpnp_ros.pnp.ransac import RansacSettings, initial_poses, ransac

_log = logging.getLogger(__name__)

HYPOTHESES_SEARCHED = 64
HYPOTHESES_MATCHED = 16
PAIRS_PER_KEYPOINT = 2.0
OVER_CHANCE = 3.0
"""A network that holds its best view no likelier than this many random ones does not know."""


class OwnMapNetwork:
    """LO-RANSAC on the network's most probable matches, and its likeliest views."""

    name = "bpnpnet_map"

    def __init__(self, model: MapModel, network: BPnPNetMap, seed: int) -> None:
        self._model, self._network = model, network
        self._points = model.point_map.points.astype(np.float64)
        self._settings = RansacSettings(max_iterations=20_000, seed=seed)

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """Nothing has to be prepared; a view that the network cannot know is told of."""
        if frustum.chart != PINHOLE:
            _log.warning(
                "the camera sees further than %.0f deg; weights for a map are of the z = 1 plane, "
                "so bpnpnet_map proposes nothing for it.",
                2 * math.degrees(WIDEST_PLANE),
            )

    @torch.no_grad()
    def propose(self, frame: Frame) -> Proposal:
        """The pose of RANSAC, and the best of the views that the network believes in.

        None from a network that does not know: what a search then finds, it finds by luck. None
        either where the view is too wide for the z = 1 plane, which the network learnt on.
        """
        if frame.frustum.chart != PINHOLE:
            return Proposal(Candidates.of(frame.xy.new_zeros(0, 4, 4), self.name))
        xy, everywhere = frame.xy[None], torch.ones_like(frame.score, dtype=torch.bool)[None]
        views = self._network.hypotheses(xy, everywhere, HYPOTHESES_SEARCHED)
        if views.choices > HYPOTHESES_SEARCHED and views.over_chance() < OVER_CHANCE:
            return Proposal(Candidates.of(views.T_map_camera[0, :0], self.name))
        P = self._network.matches(xy, everywhere, views.likeliest(HYPOTHESES_MATCHED))
        matched = Candidates.of(self._poses(frame, P[0, :-1, :-1].exp()), self.name)
        viewed = Candidates.of(views.T_map_camera[0], self.name)
        pulled = coarse_to_fine_views(self._model, viewed, frame)
        starts = viewed.T_map_camera if self._model.from_photographs else None
        return Proposal(Candidates.joined([matched, pulled]), starts)

    def _poses(self, frame: Frame, P: Tensor) -> Tensor:
        """One from the most probable pairs, where RANSAC finds it: (0 or 1, 4, 4)."""
        if P.is_cuda:
            return self._poses_on_the_device(frame, P)
        pairs = most_probable_pairs(P, max(int(PAIRS_PER_KEYPOINT * len(frame.xy)), 4))
        xy = frame.xy[pairs.keypoint].double().cpu().numpy()
        answer = ransac(xy, self._points[pairs.point.cpu().numpy()], self._settings)
        if answer is None:
            return frame.xy.new_zeros(0, 4, 4)
        return torch.from_numpy(answer.T_map_camera[None]).to(frame.xy)

    def _poses_on_the_device(self, frame: Frame, P: Tensor) -> Tensor:
        keypoints, points = (torch.tensor([size], device=P.device) for size in P.shape)
        sets = P[None], frame.xy[None], self._model.points[None]
        theta, found = initial_poses(*sets, keypoints, points, self._settings)
        return T_map_camera_from_theta(theta[found])
