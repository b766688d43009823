"""Finding a camera of which nothing is known, or no more than a prior."""

from __future__ import annotations

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.localizer.alike.look_alikes import MOST_ALIASES, with_look_alikes
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.compiled.ready import make_ready
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.gate import Gate, verify
from bpnp_ros.localizer.local_optimisation import local_optimisation
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.localizer.proposers.any_map_network import AnyMapNetwork
from bpnp_ros.localizer.proposers.around_prior import PRIOR, propose_around
from bpnp_ros.localizer.proposers.likelihood_search import LikelihoodSearch
from bpnp_ros.localizer.proposers.registry import Given, make_proposers
from bpnp_ros.localizer.stage import stage
from bpnp_ros.localizer.types import Category, Fix, Rejection


class GlobalSearch:
    """Asks every proposer; refines and verifies their candidates together."""

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

    def candidates(
        self, frame: Frame, prior: PosePrior | None, timings: dict[str, float]
    ) -> Candidates | None:
        """Where a camera may have taken a frame, refined; None where nobody has a proposal."""
        candidates = self._propose(frame, prior, timings)
        if not candidates:
            return None
        with stage(timings, "refine"):
            candidates = local_optimisation(self._model, candidates, frame, self.config.seed)
        if prior is None:
            with stage(timings, "aliases"):
                candidates = with_look_alikes(self._model, candidates, frame, MOST_ALIASES)
        return candidates

    def judged(
        self, candidates: Candidates | None, frame: Frame, timings: dict[str, float]
    ) -> Fix | Rejection:
        """The pose of a frame, or why there is none."""
        if candidates is None:
            asked = ", ".join(proposer.name for proposer in self.proposers) or "none"
            return Rejection(
                Category.NO_PROPOSAL, f"no proposer has a candidate; asked were: {asked}"
            )
        model, config = self._model, self.config
        with stage(timings, "verify"):
            return verify(model, candidates, frame, Gate.of_search(model, config), config)

    def _propose(
        self, frame: Frame, prior: PosePrior | None, timings: dict[str, float]
    ) -> Candidates | None:
        if prior is not None:
            with stage(timings, PRIOR):
                return propose_around(self._model, prior, frame, self.config.seed)
        parts = []
        for proposer in self.proposers:
            with stage(timings, proposer.name):
                parts.append(proposer.propose(frame))
        return Candidates.joined(parts) if parts else None
