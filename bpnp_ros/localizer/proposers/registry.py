"""The proposers that look for a lost camera, by name. A new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.proposers.any_map_network import AnyMapNetwork
from bpnp_ros.localizer.proposers.likelihood_search import LikelihoodSearch
from bpnp_ros.localizer.proposers.minimal_sets import MinimalSets, make_minimal_sets
from bpnp_ros.localizer.proposers.own_map_network import OwnMapNetwork
from bpnp_ros.localizer.proposers.proposer import Proposer
from bpnp_ros.localizer.proposers.solvers import is_enumerable
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.network.bpnpnet_map import BPnPNetMap
from bpnp_ros.network.matching import MatchingNetwork
from bpnp_ros.weights.bpnpnet_file import shipped_network


@dataclass(frozen=True, eq=False)
class Given:
    """What proposers are made of.

    own_map: the network for this very map, if there is one. any_map: one that was asked for.
    """

    model: MapModel
    own_map: BPnPNetMap | None
    any_map: MatchingNetwork | None
    config: LocalizerConfig

    @cached_property
    def search(self) -> LikelihoodSearch:
        """Its stored views serve other proposers as well; a network of the map knows its places."""
        return LikelihoodSearch(self.model, self.config, knows_places=self.own_map is not None)


Make = Callable[[Given], Proposer | None]
"""The proposer, or None where it is switched off or has nothing to work with."""


def _own_map_network(given: Given) -> Proposer | None:
    if given.own_map is None or not given.config.use_network:
        return None
    return OwnMapNetwork(given.model, given.own_map.eval(), given.config.seed)


def _any_map_network(given: Given) -> Proposer | None:
    """With the weights that come with the package where no others were given."""
    network, model = given.any_map, given.model
    if not given.config.use_bpnpnet or model.is_open:
        return None
    if network is None and given.own_map is None:
        network = shipped_network(model.view_space.device)
    if network is None:
        return None
    return AnyMapNetwork(model, network.eval(), given.search, given.config.seed)


def _minimal_sets(given: Given) -> Proposer | None:
    return make_minimal_sets(given.model) if given.config.use_minimal_sets else None


def _likelihood_search(given: Given) -> Proposer | None:
    config = given.config
    if not config.use_likelihood_search or (config.use_minimal_sets and is_enumerable(given.model)):
        return None
    return given.search


PROPOSERS: dict[str, Make] = {
    OwnMapNetwork.name: _own_map_network,
    MinimalSets.name: _minimal_sets,
    LikelihoodSearch.name: _likelihood_search,
    AnyMapNetwork.name: _any_map_network,
}
"""In the order in which they are asked; the first to propose a pose is named for it."""


def make_proposers(given: Given) -> list[Proposer]:
    """Those that can work on this map and are switched on."""
    made = (make(given) for make in PROPOSERS.values())
    return [proposer for proposer in made if proposer is not None]
