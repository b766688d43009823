"""Figures that count failures: a pose that was not found has an infinite error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.geometry.rotation import rotation_angle

Array = NDArray[np.float64]

NOWHERE = np.full((4, 4), np.nan)
"""Stands for a pose that is not known."""


@dataclass(frozen=True)
class Tolerance:
    """How far off a pose may be: metres between camera centres, degrees between orientations."""

    metres: float
    degrees: float

    def __str__(self) -> str:
        return f"{self.metres:g} m, {self.degrees:g} deg"


@dataclass(frozen=True, eq=False)
class PoseErrors:
    """Errors of F attempts. metres, degrees: (F,); infinite where there is no pose."""

    metres: Array
    degrees: Array

    def __len__(self) -> int:
        return len(self.metres)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> PoseErrors:
        return PoseErrors(self.metres[rows], self.degrees[rows])

    def within(self, tolerance: Tolerance) -> NDArray[np.bool_]:
        """Which attempts lie within both bounds -> (F,)."""
        return (self.metres <= tolerance.metres) & (self.degrees <= tolerance.degrees)


def are_known(T: Array) -> NDArray[np.bool_]:
    """Which of the poses (F, 4, 4) are not NOWHERE (F,)."""
    return np.array(np.isfinite(T).all(axis=(1, 2)), bool)


def pose_errors(T_truth: Array, T_found: Array) -> PoseErrors:
    """Errors of camera poses T_map_camera, (F, 4, 4) twice; a pose with NaN was not found."""
    metres = np.linalg.norm(T_truth[:, :3, 3] - T_found[:, :3, 3], axis=1)
    R_truth, R_found = (torch.from_numpy(T[:, :3, :3]) for T in (T_truth, T_found))
    degrees = np.degrees(rotation_angle(R_truth, R_found).numpy())
    found = np.isfinite(metres) & np.isfinite(degrees)
    return PoseErrors(np.where(found, metres, np.inf), np.where(found, degrees, np.inf))


def recall(errors: PoseErrors, tolerance: Tolerance) -> float:
    """Share of all attempts, failures included, within the tolerance; NaN without attempts."""
    return float(errors.within(tolerance).mean()) if len(errors) else float("nan")


def quantiles(values: Array, shares: Sequence[float] = (0.25, 0.5, 0.75)) -> tuple[float, ...]:
    """Quantiles of (F,) values, infinite ones too; of two neighbours the larger. NaN if empty."""
    if len(values) == 0:
        return (float("nan"),) * len(shares)
    return tuple(float(v) for v in np.quantile(values, shares, method="higher"))


def for_json(value: Any, digits: int | None = None) -> Any:
    """Figures as JSON can hold them: null where they are not finite, rounded to so many digits."""
    if isinstance(value, dict):
        return {name: for_json(entry, digits) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [for_json(entry, digits) for entry in value]
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return None
    return value if digits is None else round(value, digits)
