"""One replay: what it works with, every answer so far, and its figures at any moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.bags.reading import Bag
from bpnp_ros.errors import BagError
from bpnp_ros.evaluation.metrics import NOWHERE
from bpnp_ros.replay.configuration import Configuration
from bpnp_ros.replay.ground_truth import GroundTruth, TruthChoice, choose_truth, read_truth
from bpnp_ros.replay.player import Played, Player
from bpnp_ros.replay.results import Results
from bpnp_ros.replay.score import ReplayRecord, summary
from bpnp_ros.replay.topics import Topics, choose_topics
from bpnp_ros.runtime.engine import Engine
from bpnp_ros.runtime.maps import ActiveMap

Array = NDArray[np.float64]


@dataclass(eq=False)
class Replay:
    """truth: None where there is none. `complete` once the whole bag has been played."""

    bag: Bag
    topics: Topics
    configuration: Configuration
    player: Player
    active: ActiveMap
    truth: GroundTruth | None
    played: list[Played] = field(default_factory=list)
    true_poses: list[Array] = field(default_factory=list)
    complete: bool = False

    @classmethod
    def of(
        cls, bag: Bag, wanted: Topics, configuration: Configuration, truth: TruthChoice
    ) -> Replay:
        """Choose topics, read the truth, load map and weights. Raises BpnpError."""
        settings = configuration.settings
        topics = choose_topics(
            bag, wanted, map_from_bag=not settings.map_file, map_needed=not settings.weights
        )
        first = bag.first(topics.source)
        if first is None:
            raise BagError(f"no message of {topics.source} can be read.")
        choice = replace(truth, source=choose_truth(bag, truth.source))
        engine = Engine.from_settings(settings, configuration.localizer)
        player = Player(bag, topics, configuration, engine)
        active = player.get_ready()
        known = read_truth(bag, choice, active.frame, first.header.frame_id)
        return cls(bag, topics, configuration, player, active, known)

    @property
    def messages(self) -> int:
        """How many there are to answer."""
        return self.bag.topics[self.topics.source].count

    def run(self, results: Results, advance: Callable[[Played], None]) -> None:
        for played in self.player.play():
            T = self.truth.at(played.stamp_ns, played.frame_id) if self.truth else None
            results.add(played, T)
            self.played.append(played)
            self.true_poses.append(NOWHERE if T is None else T)
            advance(played)
        self.complete = True

    def record(self) -> ReplayRecord:
        return ReplayRecord(
            np.array([played.stamp_ns for played in self.played], np.int64),
            np.array(self.true_poses).reshape(-1, 4, 4),
            [played.answer for played in self.played],
        )

    def metrics(self) -> dict[str, Any]:
        """All that can be said, ready for JSON; the same for the same bag and settings."""
        return {
            "complete": self.complete,
            "bag": self.bag.path.name,
            "topics": asdict(self.topics),
            "map": self._about_map(),
            "truth": self._about_truth(),
            **summary(self.record(), self.active.metric),
            "problems": self.bag.problems,
        }

    def _about_map(self) -> dict[str, Any]:
        model, settings = self.active.localizer.map_model, self.configuration.settings
        return {
            "points": self.active.points,
            "points_used": len(model.point_map),
            "frame": self.active.frame,
            "metric": self.active.metric,
            "weights": Path(settings.weights).name,
            "proposers": self.active.localizer.proposers,
            "notes": self.active.localizer.notes,
        }

    def _about_truth(self) -> dict[str, Any] | None:
        if self.truth is None:
            return None
        choice = self.truth.choice
        from_bag = choice.source in self.bag.topics
        known = int(self.record().has_truth.sum())
        return {
            "source": choice.source if from_bag else Path(choice.source).name,
            "frame": self.truth.map_frame,
            "child": self.truth.child,
            "time_offset_s": choice.offset,
            "longest_gap_s": choice.longest_gap,
            "messages": known,
            "refusal": self.truth.refusal if known < len(self.played) else "",
        }
