"""The proposers that look for a lost camera, by name. A new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.proposers.likelihood_search import LikelihoodSearch
from bpnp_ros.localizer.proposers.minimal_sets import MinimalSets, make_minimal_sets
from bpnp_ros.localizer.proposers.own_map_network import OwnMapNetwork
from bpnp_ros.localizer.proposers.proposer import Proposer
from bpnp_ros.localizer.proposers.solvers import is_enumerable
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.network.bpnpnet_map import BPnPNetMap

Make = Callable[[MapModel, BPnPNetMap | None, LocalizerConfig], Proposer | None]
"""The proposer, or None where it is switched off or has nothing to work with."""


def _own_map_network(
    model: MapModel, network: BPnPNetMap | None, config: LocalizerConfig
) -> Proposer | None:
    if network is None or not config.use_network:
        return None
    return OwnMapNetwork(model, network.eval(), config.seed)


def _minimal_sets(
    model: MapModel, network: BPnPNetMap | None, config: LocalizerConfig
) -> Proposer | None:
    return make_minimal_sets(model) if config.use_minimal_sets else None


def _likelihood_search(
    model: MapModel, network: BPnPNetMap | None, config: LocalizerConfig
) -> Proposer | None:
    if not config.use_likelihood_search or (config.use_minimal_sets and is_enumerable(model)):
        return None
    return LikelihoodSearch(model, config)


PROPOSERS: dict[str, Make] = {
    OwnMapNetwork.name: _own_map_network,
    MinimalSets.name: _minimal_sets,
    LikelihoodSearch.name: _likelihood_search,
}
"""In the order in which they are asked; the first to propose a pose is named for it."""


def make_proposers(
    model: MapModel, network: BPnPNetMap | None, config: LocalizerConfig
) -> list[Proposer]:
    """Those that can work on this map and are switched on."""
    made = (make(model, network, config) for make in PROPOSERS.values())
    return [proposer for proposer in made if proposer is not None]
