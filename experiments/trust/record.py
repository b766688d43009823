"""What became of one frame: a line of the results."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bpnp_ros.geometry.rotation import so3_log
from bpnp_ros.localizer.evidence.evidence import Evidence
from bpnp_ros.localizer.evidence.probability import false_pose_probability
from bpnp_ros.localizer.types import Fix, Rejection
from experiments.trust.worlds.case import Array, Case, Shot

RIGHT_RADIANS = np.radians(5)
HALF_WAY_METRES = 0.1
NOWHERE = 1e9  # metres off is any pose where none is right


@dataclass(frozen=True)
class Record:
    """case, seed, frame: which. answer: "fix", or the category of a rejection.

    Of a fix, whatever its probability: evidence; metres, radians: its errors; nees: its squared
    error by its covariance, a sixth of it; within: how many of its six axes are within two standard
    deviations; sigma: the largest of its position; by_what_moved: whether it is where the camera is
    by a part of the map that moved.
    """

    case: str
    seed: int
    frame: int
    kind: str
    is_told: bool
    right_metres: float
    answer: str
    evidence: dict[str, Any] | None = None
    metres: float = NOWHERE
    radians: float = 0.0
    nees: float = 0.0
    within: int = 0
    sigma: float = 0.0
    by_what_moved: bool = False

    @classmethod
    def of(
        cls, case: Case, seed: int, frame: int, shot: Shot, answer: Fix | Rejection | None
    ) -> Record:
        """answer: None where the frame before gave no pose to follow."""
        which = (case.name, seed, frame, case.kind, case.is_told, case.right_metres)
        if answer is None or isinstance(answer, Rejection):
            return cls(*which, answer.category.value if answer else "NOT_FOLLOWED")
        assert answer.evidence is not None
        evidence = asdict(answer.evidence)
        if shot.T_map_camera is None:
            return cls(*which, "fix", evidence)
        error = _error(answer, shot.T_map_camera)
        sigmas = np.sqrt(np.diag(answer.covariance))
        return cls(
            *which,
            "fix",
            evidence,
            metres=float(np.linalg.norm(error[:3])),
            radians=float(np.linalg.norm(error[3:])),
            nees=float(error @ np.linalg.solve(answer.covariance, error)) / 6,
            within=int((np.abs(error) < 2 * sigmas).sum()),
            sigma=answer.sigmas[0],
            by_what_moved=_is_by_what_moved(answer, shot, case.right_metres),
        )

    @property
    def is_fix(self) -> bool:
        """Whether it is one whatever its probability."""
        return self.answer == "fix"

    @property
    def is_wrong(self) -> bool:
        return self.metres > self.right_metres or self.radians > RIGHT_RADIANS

    @property
    def is_half_way(self) -> bool:
        return not self.is_wrong and self.metres > HALF_WAY_METRES

    @cached_property
    def probability(self) -> float:
        """That the pose is wrong, with the weights as they are now."""
        assert self.evidence is not None
        return false_pose_probability(Evidence(**self.evidence))

    def is_published(self, false_pose_rate: float) -> bool:
        return self.is_fix and self.probability <= false_pose_rate


def _is_by_what_moved(fix: Fix, shot: Shot, right_metres: float) -> bool:
    if shot.T_by_what_moved is None:
        return False
    off = _error(fix, shot.T_by_what_moved)
    lengths = np.linalg.norm(off[:3]), np.linalg.norm(off[3:])
    return bool(lengths[0] <= right_metres and lengths[1] <= RIGHT_RADIANS)


def _error(fix: Fix, truth: Array) -> Array:
    """(6,) position in the map and rotation about its axes."""
    turn = so3_log(torch.from_numpy(fix.T_map_camera[:3, :3] @ truth[:3, :3].T)).numpy()
    return np.concatenate([fix.T_map_camera[:3, 3] - truth[:3, 3], turn])


def load(path: Path) -> list[Record]:
    """The lines of a file; none where there is no file."""
    if not path.is_file():
        return []
    return [Record(**json.loads(line)) for line in path.read_text().splitlines()]


def append(path: Path, record: Record) -> None:
    with path.open("a") as file:
        file.write(json.dumps(asdict(record)) + "\n")
