"""Methods of the benchmark that are stages of the localiser, and know what mapping cameras saw.

The gate is left out: every method of the benchmark answers whenever it can.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bpnp_ros.benchmark.methods import AGREEING, Pose
from bpnp_ros.benchmark.problems import Problem
from bpnp_ros.configuration.parameters import KeypointConfig, LocalizerConfig
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.cues.pairs import MapCues
from bpnp_ros.localizer.descent.local_optimisation import keep_best, local_optimisation
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.proposers.any_map_network import AnyMapNetwork
from bpnp_ros.localizer.proposers.around_prior import propose_around
from bpnp_ros.localizer.proposers.likelihood_search import LikelihoodSearch
from bpnp_ros.localizer.proposers.own_map_network import OwnMapNetwork as OwnMapNetworkProposer
from bpnp_ros.localizer.proposers.proposer import Proposal, Proposer
from bpnp_ros.localizer.search import search_at_length
from bpnp_ros.map_model.from_photographs import model_from_photographs
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.network.counted_start import counted_from_photographs
from bpnp_ros.network.matching import MatchingNetwork
from bpnp_ros.point_map.sfm.split import MEDIAN_DEPTH

KEYPOINT_SIGMA = LocalizerConfig().keypoint_sigma  # pixels
MOST_KEYPOINTS = KeypointConfig().max_keypoints  # they come in random order
SETTINGS = {"keypoint_sigma": KEYPOINT_SIGMA, "most_keypoints": MOST_KEYPOINTS}
PRIOR_DEPTHS, PRIOR_DEGREES = 0.1, 10.0
OTHERS = "where the other mapping cameras were, and what they saw"


@dataclass(frozen=True)
class OwnMapNetwork:
    """The network for one map, made for the points of the set: untrained, its weights are counts
    of what the other mapping cameras saw of them."""

    name: str = "bpnpnet_map, our best network"
    knows: str = f"{OTHERS}: its weights are counts of that"

    @property
    def identity(self) -> dict[str, Any]:
        return {**SETTINGS, "weights": "counted"}

    def solve(self, problem: Problem) -> Pose | None:
        asked = Asked.of(problem)
        model, frame = asked.model, asked.frame
        network = counted_from_photographs(model, frame.frustum)
        return asked.answer([OwnMapNetworkProposer(model, network, seed=0).propose(frame)])


@dataclass(frozen=True)
class Search:
    """The likelihood search over virtual views around the other mapping cameras.

    cues: which of those that keypoints and points have it looks at.
    """

    name: str = "likelihood search"
    knows: str = OTHERS
    views: int = 4000
    cues: tuple[str, ...] = ()

    @property
    def identity(self) -> dict[str, Any]:
        return {**SETTINGS, "views": self.views, "cues": list(self.cues)}

    def solve(self, problem: Problem) -> Pose | None:
        asked = Asked.of(problem, self.cues)
        search = LikelihoodSearch(asked.model, LocalizerConfig(bank_views=self.views))
        return asked.answer([search.propose(asked.frame)])


@dataclass(frozen=True, eq=False)
class Crops:
    """The network for any map on crops of the set, alone or beside the search.

    weights: what the network's weights are, for `identity`.
    """

    name: str
    network: MatchingNetwork
    weights: str
    beside_search: bool = False
    knows: str = OTHERS
    views: int = Search.views

    @property
    def identity(self) -> dict[str, Any]:
        return {**SETTINGS, "views": self.views, "weights": self.weights, "weighted": AGREEING}

    def solve(self, problem: Problem) -> Pose | None:
        asked = Asked.of(problem)
        search = LikelihoodSearch(asked.model, LocalizerConfig(bank_views=self.views))
        crops = AnyMapNetwork(asked.model, self.network, search, seed=0)
        proposers: list[Proposer] = [search, crops] if self.beside_search else [crops]
        return asked.answer([proposer.propose(asked.frame) for proposer in proposers])


@dataclass(frozen=True)
class FromPrior:
    """The refinement alone, from a pose that is off by 10 % of the depth and 10 degrees."""

    name: str = "refinement from a prior"
    knows: str = (
        f"a pose {100 * PRIOR_DEPTHS:g} % of the depth and {PRIOR_DEGREES:g} deg off (not blind), "
        "and what the other mapping cameras saw"
    )

    @property
    def identity(self) -> dict[str, Any]:
        return {**SETTINGS, "depths": PRIOR_DEPTHS, "degrees": PRIOR_DEGREES}

    def solve(self, problem: Problem) -> Pose | None:
        asked = Asked.of(problem)
        prior = asked.around(drawn_prior(problem))
        return asked.answer([propose_around(asked.model, prior, asked.frame, seed=0)])


@dataclass(frozen=True, eq=False)
class Asked:
    """A problem in the localiser's terms. scale: metres per unit of the scene."""

    model: MapModel
    keypoints: Keypoints
    frame: Frame
    scale: float

    @classmethod
    def of(cls, problem: Problem, cues: tuple[str, ...] = ()) -> Asked:
        mapping = problem.mapping
        scale = MEDIAN_DEPTH / mapping.median_depth
        model = model_from_photographs(mapping.scaled(scale))
        keypoints = _keypoints(problem, cues)
        known = MapCues(model)
        pairs, aims = known.table(keypoints), known.aims(keypoints)
        clutter, device = LocalizerConfig().clutter, model.view_space.device
        frame = Frame.of(keypoints, KEYPOINT_SIGMA, clutter, device, pairs, aims)
        return cls(model, keypoints, frame, scale)

    def around(self, T_map_camera: Pose) -> PosePrior:
        """What is believed of the camera when a drawn prior, in the scene's unit, is told."""
        T = T_map_camera.copy()
        T[:3, 3] *= self.scale
        sigma = np.repeat([PRIOR_DEPTHS * MEDIAN_DEPTH, np.radians(PRIOR_DEGREES)], 3)
        return PosePrior(T, np.diag(sigma**2 / 3))

    def answer(self, proposals: list[Proposal]) -> Pose | None:
        """The best of what was proposed after the localiser's last stages and its search at length,
        in the scene's unit."""
        candidates = Candidates.joined([proposal.candidates for proposal in proposals])
        if not candidates:
            return None
        found = local_optimisation(self.model, candidates, self.frame, seed=0)
        starts = [proposal.starts for proposal in proposals if proposal.starts is not None]
        if starts:
            more = search_at_length(self.model, found, starts, self.frame, seed=0)
            refined = local_optimisation(self.model, more, self.frame, seed=0)
            found = Candidates.joined([found, refined])
        return self.likeliest(found)

    def likeliest(self, refined: Candidates) -> Pose:
        """The best of candidates that have been through these stages, in the scene's unit."""
        frame = self.frame
        best = keep_best(self.model, refined, frame, frame.sigma, 1)
        pose = best.T_map_camera[0].double().numpy()
        pose[:3, 3] += self.model.point_map.origin
        return self.in_the_scene(pose)

    def in_the_scene(self, T_map_camera: Pose) -> Pose:
        """A pose of the map in the scene's unit."""
        pose = T_map_camera.copy()
        pose[:3, 3] /= self.scale
        return pose


def _keypoints(problem: Problem, cues: tuple[str, ...]) -> Keypoints:
    """The first of a problem, with some of their cues."""
    xy, known = problem.sets.keypoints[:MOST_KEYPOINTS], problem.keypoint_cues
    score, rows = np.ones(len(xy), np.float32), np.arange(len(xy))
    shown = {name: known[name][: len(xy)] for name in cues}
    return Keypoints(xy, score, rows, problem.sets.frustum, cues=shown)


def drawn_prior(problem: Problem) -> Pose:
    """A pose as far from the truth as `FromPrior` says; the same in every run."""
    rng = np.random.default_rng(zlib.crc32(f"{problem.name} {problem.setting}".encode()))
    turn = np.radians(PRIOR_DEGREES) * _direction(rng)
    pose = problem.sets.T_map_camera.copy()
    pose[:3, 3] += PRIOR_DEPTHS * problem.sets.depth * _direction(rng)
    pose[:3, :3] = so3_exp(torch.from_numpy(turn)).numpy() @ pose[:3, :3]
    return pose


def _direction(rng: np.random.Generator) -> np.ndarray:
    vector = rng.normal(size=3)
    return vector / np.linalg.norm(vector)
