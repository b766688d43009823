"""The localiser as a method of the benchmark: both proposers, and what its gate says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bpnp_ros.benchmark.localizer_methods import OTHERS, SETTINGS, Asked, Search
from bpnp_ros.benchmark.methods import Pose
from bpnp_ros.benchmark.problems import Problem
from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.proposers.registry import Given
from bpnp_ros.localizer.search import GlobalSearch
from bpnp_ros.localizer.types import Fix
from bpnp_ros.network.counted_start import counted_from_photographs


@dataclass(frozen=True)
class WholeLocalizer:
    """A first fix in a map with photographs. gated: answered is what would be published alone."""

    name: str
    gated: bool
    knows: str = OTHERS
    views: int = Search.views

    @property
    def identity(self) -> dict[str, Any]:
        return {**SETTINGS, "views": self.views, "weights": "counted", "gated": self.gated}

    def solve(self, problem: Problem) -> Pose | None:
        asked = Asked.of(problem)
        model, frame = asked.model, asked.frame
        network = counted_from_photographs(model, frame.frustum)
        search = GlobalSearch(Given(model, network, None, LocalizerConfig(bank_views=self.views)))
        answer, candidates = search.answer(frame, None, {})
        if not self.gated:
            return None if candidates is None else asked.likeliest(candidates)
        return asked.in_the_scene(answer.T_map_camera) if isinstance(answer, Fix) else None


def whole_localizer_rows() -> list[WholeLocalizer]:
    """Without the gate, as all methods are asked, and with it."""
    name = "localiser: network and search"
    return [WholeLocalizer(name, False), WholeLocalizer(f"{name}, through the gate", True)]
