"""Why a frame is not found: what became of it, and which stage failed."""

from __future__ import annotations

from enum import Enum

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.benchmark.metrics import RIGHT_DEGREES, RIGHT_DEPTHS
from bpnp_ros.benchmark.why.nearness import in_the_map, near
from bpnp_ros.benchmark.why.questions import Question
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.local_optimisation import local_optimisation
from bpnp_ros.localizer.descent.poses import evidence
from bpnp_ros.localizer.evidence.listening import listening
from bpnp_ros.localizer.types import Fix


class Outcome(str, Enum):
    """What became of a frame; the last four are why it was not found."""

    RIGHT = "right"
    WRONG = "wrong pose"
    REFUSED = "refused, though right"
    OUTWEIGHED = "a wrong pose explains more than the true one"
    NOT_REACHED = "near, but not refined to the true pose"
    NEVER_NEAR = "the search never came near"


def outcome(question: Question) -> Outcome:
    """Of one frame, looked for without a past."""
    localizer, depth = question.localizer, question.depth
    model, truth = localizer.map_model, in_the_map(question)
    compared: list[Tensor] = []
    with listening(lambda candidates, nats: compared.append(candidates.T_map_camera)):
        answer = localizer.localize(question.keypoints)
    if isinstance(answer, Fix):
        found = torch.from_numpy(answer.T_map_camera[None])
        is_right = _is_right(found, torch.from_numpy(question.T_map_camera), depth)
        return Outcome.RIGHT if is_right[0] else Outcome.WRONG
    if not compared:
        return Outcome.NEVER_NEAR
    poses, frame = compared[-1], localizer.frame_of(question.keypoints)
    right, nats = _is_right(poses, truth, depth), evidence(model, poses, frame, frame.sigma)
    if right[nats.argmax()]:
        return Outcome.REFUSED
    start = Candidates.of(truth[None], "truth")
    true = local_optimisation(model, start, frame, seed=0).T_map_camera
    true = true[_is_right(true, truth, depth)]
    if not len(true) or nats.max() > evidence(model, true, frame, frame.sigma).max():
        return Outcome.OUTWEIGHED
    return Outcome.NOT_REACHED if right.any() else Outcome.NEVER_NEAR


def _is_right(poses: Tensor, truth: Tensor, depth: float) -> Tensor:
    return near(poses, truth, depth, RIGHT_DEPTHS, float(np.radians(RIGHT_DEGREES)))
