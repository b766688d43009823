"""What methods answered, scene by scene: one JSON file each, replaced at once or not at all."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from bpnp_ros.benchmark.metrics import AnswerErrors
from bpnp_ros.benchmark.problems import PosedScene, Problem
from bpnp_ros.evaluation.metrics import for_json
from bpnp_ros.whole_file import written_whole


@dataclass(frozen=True)
class Posed:
    """A problem without its points: enough to say whether an answer kept belongs to it."""

    image: str
    setting: str
    keypoints: int
    points: int
    pairs: int

    @classmethod
    def of(cls, problem: Problem) -> Posed:
        sets = problem.sets
        return cls(
            problem.name,
            problem.setting,
            len(sets.keypoints),
            len(sets.points),
            len(sets.pairs[0]),
        )


@dataclass(frozen=True)
class Answer:
    """What came of one problem, and how long it took."""

    errors: AnswerErrors
    milliseconds: float


@dataclass
class SceneResult:
    """One scene. answers: by method, one for each of `problems`; identity: by method."""

    name: str
    seed: int
    images: int
    eligible: int
    skipped: tuple[str, ...]
    problems: tuple[Posed, ...]
    answers: dict[str, tuple[Answer, ...]] = field(default_factory=dict)
    identity: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, seed: int, posed: PosedScene) -> SceneResult:
        """Nothing answered yet."""
        problems = tuple(Posed.of(problem) for problem in posed.problems)
        return cls(name, seed, posed.images, posed.eligible, posed.skipped, problems)

    def asks_the_same_as(self, other: SceneResult) -> bool:
        return (self.seed, self.problems) == (other.seed, other.problems)

    def keeps(self, method: str, identity: dict[str, Any]) -> bool:
        """Whether the answers of this very method are here."""
        return self.identity.get(method) == identity

    def put(self, method: str, identity: dict[str, Any], answers: Iterable[Answer]) -> None:
        self.answers[method], self.identity[method] = tuple(answers), identity

    def save(self, folder: Path) -> None:
        with written_whole(folder / f"{self.name}.json") as partial:
            partial.write_text(json.dumps(_as_json(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, name: str) -> SceneResult | None:
        """What was saved; None where nothing was, or nothing that can be read."""
        try:
            stored = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            return _from_json(stored)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None


def chosen_answers(
    results: Iterable[SceneResult], method: str, setting: str | None = None
) -> list[Answer]:
    """The answers of one method over scenes, in one setting or in all."""
    return [
        answer
        for result in results
        for posed, answer in zip(result.problems, result.answers.get(method, ()), strict=False)
        if setting in (None, posed.setting)
    ]


def _as_json(result: SceneResult) -> dict[str, Any]:
    """Infinite errors are null."""
    rows = {
        method: [
            {**for_json(asdict(answer.errors)), "milliseconds": round(answer.milliseconds, 2)}
            for answer in answers
        ]
        for method, answers in result.answers.items()
    }
    return {**asdict(result), "answers": rows}


def _from_json(stored: dict[str, Any]) -> SceneResult:
    answers = {
        method: tuple(
            Answer(
                AnswerErrors(*(_infinite(row[entry.name]) for entry in fields(AnswerErrors))),
                float(row["milliseconds"]),
            )
            for row in rows
        )
        for method, rows in stored["answers"].items()
    }
    problems = tuple(Posed(**posed) for posed in stored["problems"])
    return SceneResult(
        **{**stored, "answers": answers, "problems": problems, "skipped": tuple(stored["skipped"])}
    )


def _infinite(value: float | None) -> float:
    return math.inf if value is None else float(value)
