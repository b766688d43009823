"""Ask every method every problem of a scene, and keep what was answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bpnp_ros.benchmark.methods import Method
from bpnp_ros.benchmark.metrics import answer_errors
from bpnp_ros.benchmark.problems import Problem, Selection, pose_problems
from bpnp_ros.benchmark.results import Answer, SceneResult
from bpnp_ros.errors import BpnpError
from bpnp_ros.point_map.sfm.observed_cues import with_photographs
from bpnp_ros.point_map.sfm.sfm_model import SfmModel

Advance = Callable[[str, float], None]
"""Told what was done last, and the share of the scene that is done."""


def run_scene(
    name: str,
    path: Path,
    methods: Sequence[Method],
    selection: Selection,
    folder: Path,
    advance: Advance,
    photographs: Path | None = None,
) -> SceneResult:
    """Answer what `folder` does not hold yet; it is saved after every method.

    photographs: their folder, for cues. Raises BpnpError for a scene that cannot be read or poses
    no problem.
    """
    scene = SfmModel.load(path)
    posed = pose_problems(with_photographs(scene, photographs) if photographs else scene, selection)
    result = SceneResult.of(name, selection.seed, posed)
    kept = SceneResult.load(folder, name)
    if kept is not None and kept.asks_the_same_as(result):
        result = kept
    for number, method in enumerate(methods):
        if not result.keeps(method.name, method.identity):
            answers = []
            for done, problem in enumerate(posed.problems):
                answers.append(ask(method, problem))
                share = (done + 1) / len(posed.problems)
                advance(f"{name}: {method.name}", (number + share) / len(methods))
            result.put(method.name, method.identity, answers)
            result.save(folder)
    return result


def ask(method: Method, problem: Problem) -> Answer:
    """One answer, timed; what a method refuses to answer was not found."""
    start = time.perf_counter()
    try:
        pose = method.solve(problem)
    except BpnpError:
        pose = None
    milliseconds = 1e3 * (time.perf_counter() - start)
    return Answer(answer_errors(problem.sets, pose), milliseconds)
