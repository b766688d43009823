"""Reads trajectories in the text format of the TUM benchmark, as all kinds of tools write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.errors import BpnpError
from bpnp_ros.evaluation.trajectory import NANOSECONDS, Trajectory
from bpnp_ros.geometry.rotation import matrix_from_quaternion

TUM = "a TUM line is 'timestamp tx ty tz qx qy qz qw' in seconds and metres"
LATEST = 1 << 32  # seconds; ROS counts no further
NOT_UNIT = 0.1  # of a quaternion's length: no rounding explains more
MATRICES = {12: "KITTI poses", 13: "matrices", 16: "matrices", 17: "EuRoC's states or matrices"}
_SEPARATORS = re.compile(r"[\s,;]+")
_SCALAR_FIRST = re.compile(r"\bq\w*w\b.*\bq\w*x\b", re.IGNORECASE)


def read_tum(path: Path) -> Trajectory:
    """Read poses in ascending order of their stamps, which are exact to the nanosecond.

    Blanks, tabs, commas and semicolons part the columns; # and % begin comments; a line of names
    may come first, and names that put qw before qx are obeyed. Columns behind the eighth are
    ignored. Raises BpnpError naming the line that it cannot read.
    """
    found: dict[int, tuple[int, NDArray[np.float64]]] = {}
    for number, words in _lines(path):
        try:
            stamp, pose = _nanoseconds(words[0]), _pose(words)
            if stamp in found and not np.allclose(found[stamp][1], pose):
                raise ValueError(
                    f"another pose of the time {words[0]} than in line {found[stamp][0]}"
                )
        except ValueError as error:
            raise BpnpError(f"{path}, line {number}: {error}; {TUM}.") from error
        found.setdefault(stamp, (number, pose))
    stamps = sorted(found)
    poses = np.array([found[stamp][1] for stamp in stamps]).reshape(-1, 4, 4)
    return Trajectory(np.array(stamps, np.int64), poses)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and columns of the lines with poses, the quaternion's scalar last."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BpnpError(f"{path} is no text file ({error}); {TUM}.") from error
    scalar_first, begun = False, False
    for number, line in enumerate(lines, start=1):
        words = [word for word in _SEPARATORS.split(re.split("[#%]", line)[0]) if word]
        if not begun and not any(map(_is_number, words)):
            scalar_first |= _SCALAR_FIRST.search(line) is not None
            continue
        if words:
            begun = True
            yield number, words[:4] + words[5:8] + words[4:5] + words[8:] if scalar_first else words


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _nanoseconds(seconds: str) -> int:
    """Without a detour over a float, which holds only microseconds of today."""
    try:
        exact = Decimal(seconds)
    except InvalidOperation:
        raise ValueError(f"'{seconds}' is no time") from None
    if not exact.is_finite():
        raise ValueError(f"'{seconds}' is no time")
    if not -LATEST < exact < LATEST:
        raise ValueError(f"{seconds} is no time in seconds (milli- or nanoseconds?)")
    return round(exact * NANOSECONDS)


def _pose(words: list[str]) -> NDArray[np.float64]:
    """(4, 4) of the columns of a line."""
    if len(words) < 8 or len(words) in MATRICES:
        looks = f", as {MATRICES[len(words)]} have" if len(words) in MATRICES else ""
        raise ValueError(f"{len(words)} numbers instead of 8{looks}; evo_traj converts formats")
    if any("_" in word for word in words[:8]):  # Python would read 1_0 as 10
        raise ValueError(f"'{' '.join(words[:8])}' are no numbers")
    values = np.array([float(word) for word in words[1:8]])
    length = np.linalg.norm(values[3:])
    if not np.isfinite(values).all():
        raise ValueError("numbers that are not finite; leave out lines without a pose")
    if abs(length - 1) > NOT_UNIT:
        raise ValueError(f"a quaternion of length {length:.3g} instead of 1, so no pose")
    T = np.eye(4)
    T[:3, :3] = matrix_from_quaternion(torch.from_numpy(values[3:])).numpy()
    T[:3, 3] = values[:3]
    return T
