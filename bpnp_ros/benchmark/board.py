"""The figures of all methods side by side."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bpnp_ros.benchmark.metrics import Figures
from bpnp_ros.benchmark.problems import SETTINGS
from bpnp_ros.benchmark.results import SceneResult, chosen_answers
from bpnp_ros.evaluation.metrics import for_json


@dataclass(frozen=True)
class Cell:
    """Figures of one method over some problems; milliseconds: the median."""

    figures: Figures
    milliseconds: float


@dataclass(frozen=True)
class Board:
    """methods: name -> what it knows. refused: scene -> why it poses no problem."""

    methods: dict[str, str]
    results: tuple[SceneResult, ...]
    refused: dict[str, str]

    @property
    def problems(self) -> int:
        return sum(len(result.problems) for result in self.results)

    def count(self, setting: str) -> int:
        """Problems in one setting."""
        return sum(p.setting == setting for result in self.results for p in result.problems)

    def cell(
        self, method: str, setting: str | None = None, scene: SceneResult | None = None
    ) -> Cell | None:
        """One method in one setting (or all of them), in one scene (or all); None: no problem."""
        results = self.results if scene is None else (scene,)
        answers = chosen_answers(results, method, setting)
        if not answers:
            return None
        milliseconds = float(np.median([answer.milliseconds for answer in answers]))
        return Cell(Figures.of([answer.errors for answer in answers]), milliseconds)

    def as_json(self) -> dict[str, Any]:
        """Every figure by method and setting; infinite is null."""
        figures = {
            method: {
                setting: _flat(cell)
                for setting in SETTINGS
                if (cell := self.cell(method, setting)) is not None
            }
            for method in self.methods
        }
        return {"problems": self.problems, "refused": self.refused, "methods": figures}


def _flat(cell: Cell) -> dict[str, Any]:
    return {**for_json(asdict(cell.figures)), "milliseconds": round(cell.milliseconds, 2)}
