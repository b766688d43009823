"""Finding a camera of which nothing is known, or no more than a prior."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.localizer.alike.look_alikes import MOST_ALIASES, with_look_alikes
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.compiled.ready import make_ready
from bpnp_ros.localizer.descent.annealing import FROM_PHOTOGRAPHS, FROM_PLACES, anneal
from bpnp_ros.localizer.descent.local_optimisation import keep_best, local_optimisation
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.gate import Gate, verify
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.localizer.proposers.any_map_network import AnyMapNetwork
from bpnp_ros.localizer.proposers.around_prior import PRIOR, propose_around
from bpnp_ros.localizer.proposers.likelihood_search import LikelihoodSearch
from bpnp_ros.localizer.proposers.proposer import Proposal
from bpnp_ros.localizer.proposers.registry import Given, make_proposers
from bpnp_ros.localizer.stage import stage
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.map_model import MapModel

AT_LENGTH = "annealing"
SURELY = 1e-3  # of `false_pose_rate`, with which a first look is enough
MOST_FOUND = 32  # of the poses found at first, with which the search at length begins


class GlobalSearch:
    """Asks every proposer; refines and verifies their candidates together.

    Most frames are answered at that. One that is not is searched for at length, from where the
    proposers would begin.
    """

    def __init__(self, given: Given) -> None:
        self._model, self.config = given.model, given.config
        self._given = given
        self.proposers = make_proposers(given)

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """Do what takes seconds, once the camera is known."""
        make_ready(self._model, frustum)
        _ = self._model.aliases
        for proposer in self.proposers:
            proposer.prepare(frustum, progress)

    @property
    def stored_bytes(self) -> int:
        """What the proposers keep of the map, at most."""
        names = {proposer.name for proposer in self.proposers}
        asked = names & {LikelihoodSearch.name, AnyMapNetwork.name}
        return self._given.search.stored_bytes if asked else 0

    def answer(
        self, frame: Frame, prior: PosePrior | None, timings: dict[str, float]
    ) -> tuple[Fix | Rejection, Candidates | None]:
        """The pose of a frame or why there is none, and all that was found for it, refined; None
        where nobody has a proposal."""
        proposals = self._proposals(frame, prior, timings)
        parts = [proposal.candidates for proposal in proposals if len(proposal.candidates)]
        if not parts:
            return self._nothing_proposed(), None
        found = self._refined(Candidates.joined(parts), frame, prior, timings)
        answer = self._judged(found, frame, timings)
        starts = [proposal.starts for proposal in proposals if proposal.starts is not None]
        if self._is_sure(answer) or not starts:
            return answer, found
        with stage(timings, AT_LENGTH):
            annealed = search_at_length(self._model, found, starts, frame, self.config.seed)
        found = Candidates.joined([found, self._refined(annealed, frame, prior, timings)])
        return self._judged(found, frame, timings), found

    def _proposals(
        self, frame: Frame, prior: PosePrior | None, timings: dict[str, float]
    ) -> list[Proposal]:
        if prior is not None:
            with stage(timings, PRIOR):
                return [propose_around(self._model, prior, frame, self.config.seed)]
        proposals = []
        for proposer in self.proposers:
            with stage(timings, proposer.name):
                proposals.append(proposer.propose(frame))
        return proposals

    def _refined(
        self,
        candidates: Candidates,
        frame: Frame,
        prior: PosePrior | None,
        timings: dict[str, float],
    ) -> Candidates:
        with stage(timings, "refine"):
            candidates = local_optimisation(self._model, candidates, frame, self.config.seed)
        if prior is None:
            with stage(timings, "aliases"):
                candidates = with_look_alikes(self._model, candidates, frame, MOST_ALIASES)
        return candidates

    def _judged(
        self, candidates: Candidates, frame: Frame, timings: dict[str, float]
    ) -> Fix | Rejection:
        model, config = self._model, self.config
        with stage(timings, "verify"):
            return verify(model, candidates, frame, Gate.of_search(model, config), config)

    def _is_sure(self, answer: Fix | Rejection) -> bool:
        """Of a first look, which may have missed a rival."""
        most = SURELY * self.config.false_pose_rate
        return isinstance(answer, Fix) and answer.false_pose_probability <= most

    def _nothing_proposed(self) -> Rejection:
        asked = ", ".join(proposer.name for proposer in self.proposers) or "none"
        return Rejection(Category.NO_PROPOSAL, f"no proposer has a candidate; asked were: {asked}")


def search_at_length(
    model: MapModel, found: Candidates, starts: Sequence[Tensor], frame: Frame, seed: int
) -> Candidates:
    """Poses annealed from the best that were found and from views (P, 4, 4) of the proposers."""
    best = keep_best(model, found, frame, frame.sigma, MOST_FOUND).T_map_camera
    if model.from_photographs:
        seen, levels = frame, FROM_PHOTOGRAPHS
    else:
        seen, levels = frame.coarse(), FROM_PLACES
    return Candidates.of(anneal(model, torch.cat([best, *starts]), seen, seed, levels), AT_LENGTH)
