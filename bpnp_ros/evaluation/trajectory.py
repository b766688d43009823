"""Stamped camera poses, and how they are written for other tools."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.geometry.rotation import quaternion_from_matrix

NANOSECONDS = 10**9
TUM_HEADER = "# timestamp_s tx_m ty_m tz_m qx qy qz qw (pose of the camera in the map)"


@dataclass(frozen=True, eq=False)
class Trajectory:
    """stamps_ns: (F,) int64, ROS time in nanoseconds. T_map_camera: (F, 4, 4) float64, metres."""

    stamps_ns: NDArray[np.int64]
    T_map_camera: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.stamps_ns)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Trajectory:
        return Trajectory(self.stamps_ns[rows], self.T_map_camera[rows])


def match_stamps(
    stamps_ns: NDArray[np.int64], wanted_ns: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each of `wanted_ns` (W,) stands in the ascending `stamps_ns` (F,).

    Returns rows (W,) and whether the stamp there is equal, to the nanosecond (W,).
    """
    if len(stamps_ns) == 0:
        return np.zeros(len(wanted_ns), np.int64), np.zeros(len(wanted_ns), bool)
    rows = np.searchsorted(stamps_ns, wanted_ns).clip(0, len(stamps_ns) - 1)
    return rows, stamps_ns[rows] == wanted_ns


def write_tum(path: Path, trajectory: Trajectory) -> None:
    """One line a pose: `timestamp tx ty tz qx qy qz qw`, seconds and metres, scalar last."""
    poses = zip(trajectory.stamps_ns.tolist(), trajectory.T_map_camera, strict=True)
    lines = [TUM_HEADER, *(tum_line(stamp, T) for stamp, T in poses)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def tum_line(stamp_ns: int, T_map_camera: NDArray[np.float64]) -> str:
    """A pose (4, 4) as a line of a TUM file."""
    rotation = torch.from_numpy(np.ascontiguousarray(T_map_camera[:3, :3]))
    pose = [*T_map_camera[:3, 3].tolist(), *quaternion_from_matrix(rotation).tolist()]
    return f"{stamp_text(stamp_ns)} " + " ".join(f"{value:.9f}" for value in pose)


def stamp_text(stamp_ns: int) -> str:
    """Decimal seconds, to the nanosecond."""
    seconds, rest = divmod(abs(stamp_ns), NANOSECONDS)
    return f"{'-' if stamp_ns < 0 else ''}{seconds}.{rest:09d}"
