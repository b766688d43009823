"""What a replay leaves behind, written as it goes: an interrupted run keeps what it has."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.evaluation.metrics import pose_errors
from bpnp_ros.evaluation.trajectory import TUM_HEADER, stamp_text, tum_line
from bpnp_ros.localizer.types import Fix
from bpnp_ros.replay.player import Played

Array = NDArray[np.float64]

FRAMES, TIMINGS = "frames.csv", "timings.csv"
ESTIMATE, TRUTH = "estimate.tum", "truth.tum"
METRICS, LATENCY = "metrics.json", "latency.json"
PICTURE, PAGE = "report.png", "report.html"
LIVE, NODE_LOG, DETECTOR_LOG = "live.json", "node.log", "detector.log"
OURS = (
    *(FRAMES, TIMINGS, ESTIMATE, TRUTH, METRICS, LATENCY, PICTURE, PAGE),
    *(LIVE, NODE_LOG, DETECTOR_LOG),
)

FRAME_COLUMNS = (
    *("message", "stamp_s", "frame_id", "state", "proposer", "category", "keypoints", "inliers"),
    *(
        "reprojection_px",
        "log_likelihood_ratio_nat",
        "false_pose_probability",
        "sigma_position_m",
        "sigma_rotation_deg",
    ),
    *("error_m", "error_deg", "reason"),
)
TIMING_COLUMNS = ("message", "stamp_s", "stage", "ms")


def clear_folder(folder: Path) -> None:
    """Remove the results of an earlier run; nothing else is ever removed."""
    for name in OURS:
        (folder / name).unlink(missing_ok=True)


class Results:
    """The files that grow with every answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: list[TextIO] = []
        self._frames = self._table(FRAMES, FRAME_COLUMNS)
        self._timings = self._table(TIMINGS, TIMING_COLUMNS)
        self._estimate, self._truth = self._open(ESTIMATE), self._open(TRUTH)
        for file in (self._estimate, self._truth):
            file.write(TUM_HEADER + "\n")
        self._count = 0

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()

    def add(self, played: Played, truth: Array | None) -> None:
        """A message; truth: T_map_camera (4, 4) where it is known."""
        stamp = stamp_text(played.stamp_ns)
        self._frames.writerow([self._count, stamp, *_cells(played, truth)])
        for stage, seconds in played.seconds.items():
            self._timings.writerow([self._count, stamp, stage, f"{1e3 * seconds:.3f}"])
        if isinstance(played.answer, Fix):
            self._estimate.write(tum_line(played.stamp_ns, played.answer.T_map_camera) + "\n")
        if truth is not None:
            self._truth.write(tum_line(played.stamp_ns, truth) + "\n")
        self._count += 1
        for file in self._files:
            file.flush()

    def _table(self, name: str, columns: tuple[str, ...]) -> Any:
        writer = csv.writer(self._open(name), lineterminator="\n")
        writer.writerow(columns)
        return writer

    def _open(self, name: str) -> TextIO:
        file = (self.folder / name).open("w", encoding="utf-8", newline="")
        self._files.append(file)
        return file


def write_json(path: Path, figures: dict[str, Any]) -> None:
    path.write_text(json.dumps(figures, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _cells(played: Played, truth: Array | None) -> Iterator[str | int]:
    """The columns from frame_id on; empty where there is nothing to say."""
    answer, keypoints = played.answer, played.keypoints
    yield from (played.frame_id, played.state)
    used = "" if keypoints is None else len(keypoints)
    if not isinstance(answer, Fix):
        yield from ("", answer.category.value, used, *("",) * 8, answer.message)
        return
    yield from (answer.proposer, "", used, answer.inliers)
    position, rotation = answer.sigmas
    yield from (f"{answer.reprojection_error_px:.3f}", f"{answer.log_likelihood_ratio:.3f}")
    yield f"{answer.false_pose_probability:.3g}"
    yield from (f"{position:.5f}", f"{np.degrees(rotation):.5f}")
    if truth is None:
        yield from ("", "")
    else:
        errors = pose_errors(truth[None], answer.T_map_camera[None])
        yield from (f"{errors.metres[0]:.6f}", f"{errors.degrees[0]:.6f}")
    yield ""
