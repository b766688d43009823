"""Where candidate poses come from. Each proposer has a name, and can be switched off."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.local_optimisation import coarse_to_fine, coarse_to_fine_views
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.view_bank import Progress, ViewBank, build_view_bank, unheard
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.network.bpnpnet_map import BPnPNetMap
from bpnp_ros.pnp.candidates import most_probable_pairs
from bpnp_ros.pnp.ransac import RansacSettings, ransac

NETWORK = "bpnpnet_map"
LIKELIHOOD_SEARCH = "likelihood_search"
TRACKER = "tracker"
PRIOR = "prior"

VIEWS_SEARCHED = 192
PRIOR_SAMPLES = 256
HYPOTHESES_SEARCHED = 64
HYPOTHESES_MATCHED = 16
PAIRS_PER_KEYPOINT = 2.0
OVER_CHANCE = 3.0
"""A network that holds its best view no likelier than this many random ones does not know."""


class Proposer(Protocol):
    """Candidate poses for a frame, without knowing where the camera was."""

    name: str

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """Do what takes long, once a camera is known. `progress` may raise to end it."""

    def propose(self, frame: Frame) -> Candidates:
        """Candidates, near enough to be polished; possibly none."""


class NetworkProposer:
    """The own-map network: LO-RANSAC on its most probable matches, and its likeliest views."""

    name = NETWORK

    def __init__(self, model: MapModel, network: BPnPNetMap, seed: int) -> None:
        self._model, self._network = model, network
        self._points = model.point_map.points.astype(np.float64)
        self._settings = RansacSettings(max_iterations=20_000, seed=seed)

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """The network needs nothing of the camera beforehand."""

    @torch.no_grad()
    def propose(self, frame: Frame) -> Candidates:
        """The pose of RANSAC, and the best of the views that the network believes in.

        None from a network that does not know: what a search then finds, it finds by luck.
        """
        xy, everywhere = frame.xy[None], torch.ones_like(frame.score, dtype=torch.bool)[None]
        views = self._network.hypotheses(xy, everywhere, HYPOTHESES_SEARCHED)
        if views.choices > HYPOTHESES_SEARCHED and views.over_chance() < OVER_CHANCE:
            return Candidates.of(views.T_map_camera[0, :0], self.name)
        P = self._network.matches(xy, everywhere, views.likeliest(HYPOTHESES_MATCHED))
        matched = Candidates.of(self._poses(frame, P[0, :-1, :-1].exp()), self.name)
        viewed = Candidates.of(views.T_map_camera[0], self.name)
        return Candidates.joined([matched, coarse_to_fine_views(self._model, viewed, frame)])

    def _poses(self, frame: Frame, P: Tensor) -> Tensor:
        """One from the most probable pairs, where RANSAC finds it: (0 or 1, 4, 4)."""
        pairs = most_probable_pairs(P, max(int(PAIRS_PER_KEYPOINT * len(frame.xy)), 4))
        xy = frame.xy[pairs.keypoint].double().cpu().numpy()
        answer = ransac(xy, self._points[pairs.point.cpu().numpy()], self._settings)
        if answer is None:
            return frame.xy.new_zeros(0, 4, 4)
        return torch.from_numpy(answer.T_map_camera[None]).to(frame.xy)


class LikelihoodSearch:
    """Stored virtual views, scored by the measurement model; nothing is learned."""

    name = LIKELIHOOD_SEARCH

    def __init__(self, model: MapModel, config: LocalizerConfig) -> None:
        self._model, self._config = model, config
        self._bank: ViewBank | None = None

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """Build the bank for a camera; some seconds. One that sees as much keeps its bank."""
        if self._bank is None or not self._bank.frustum.is_close(frustum):
            config = self._config
            self._bank = build_view_bank(
                self._model, frustum, config.bank_views, config.clutter, config.seed, progress
            )

    def propose(self, frame: Frame) -> Candidates:
        """The best views, pulled onto the keypoints from coarse to fine."""
        self.prepare(frame.frustum)
        assert self._bank is not None
        poses, _ = self._bank.best(frame.coarse().xy, VIEWS_SEARCHED)
        return coarse_to_fine_views(self._model, Candidates.of(poses, self.name), frame)


def propose_around(model: MapModel, prior: PosePrior, frame: Frame, seed: int) -> Candidates:
    """Poses drawn from a prior, pulled onto the keypoints from coarse to fine."""
    generator = torch.Generator().manual_seed(seed)
    spread = np.linalg.cholesky(prior.covariance + 1e-12 * np.eye(6))
    draws = torch.randn(PRIOR_SAMPLES, 6, generator=generator) @ torch.from_numpy(spread.T).float()
    draws[0] = 0
    centre = torch.from_numpy(prior.T_map_camera).float()
    position = centre[:3, 3] - torch.from_numpy(model.point_map.origin).float() + draws[:, :3]
    poses = make_transform(so3_exp(draws[:, 3:]) @ centre[:3, :3], position).to(frame.xy)
    return coarse_to_fine(model, Candidates.of(poses, PRIOR), frame)
