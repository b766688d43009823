"""What a soak keeps of its frames, and what that says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.evaluation.metrics import pose_errors
from bpnp_ros.live.node_link import FoundPose

Array = NDArray[np.float64]

WRONG_METRES, WRONG_DEGREES, HALF_WAY_METRES = 0.5, 5.0, 0.1
WARM_UP = 0.25  # share of the run after which memory should not grow any more
MEGABYTE = 1024.0  # kilobytes


@dataclass(eq=False)
class Soak:
    """truth, sent_at: T_map_camera (4, 4) and seconds by the stamp of the frame. memory: (seconds,
    megabytes) of the node's process."""

    truth: dict[int, Array] = field(default_factory=dict)
    sent_at: dict[int, float] = field(default_factory=dict)
    memory: list[tuple[float, float]] = field(default_factory=list)
    poses: list[FoundPose] = field(default_factory=list)
    answered: int = 0
    behind: float = 0.0
    """Seconds by which the sender itself fell behind its own pace, at most."""

    def lines(self) -> list[str]:
        """The figures so far, one a line."""
        if not self.poses:
            return [f"{len(self.truth)} frames sent, no pose"]
        at = np.array([self.sent_at[pose.stamp_ns] for pose in self.poses])
        delay = np.array([pose.arrived for pose in self.poses]) - at
        truth = np.stack([self.truth[pose.stamp_ns] for pose in self.poses])
        errors = pose_errors(truth, np.stack([pose.T_map_camera for pose in self.poses]))
        wrong = (errors.metres > WRONG_METRES) | (errors.degrees > WRONG_DEGREES)
        half_way = ~wrong & (errors.metres > HALF_WAY_METRES)
        return [
            f"frames sent {len(self.truth)}, answered {self.answered}, poses {len(self.poses)}",
            f"wrong poses {wrong.sum()}, half-way {half_way.sum()}, median error "
            f"{1000 * np.median(errors.metres):.1f} mm",
            *self._delays(at, delay),
            *self._growth(),
            f"the sender was behind its own pace by {self.behind:.2f} s at most",
        ]

    @staticmethod
    def _delays(at: Array, delay: Array) -> list[str]:
        third = (at - at[0]) * 3 // max(at[-1] - at[0], 1e-9)
        first, last = (1000 * np.median(delay[third == part]) for part in (0, min(2, third.max())))
        p50, p95 = 1000 * np.quantile(delay, (0.5, 0.95))
        return [
            f"delay {p50:.0f} ms (p50), {p95:.0f} ms (p95); median of the first third {first:.0f} "
            f"ms, of the last {last:.0f} ms"
        ]

    def _growth(self) -> list[str]:
        seconds, megabytes = np.array(self.memory).T
        settled = seconds > WARM_UP * seconds[-1]
        if settled.sum() < 3:
            return [f"memory {megabytes[-1]:.0f} MB"]
        slope = np.polyfit(seconds[settled] / 60, megabytes[settled], 1)[0]
        return [
            f"memory {megabytes[settled][0]:.0f} MB after the first quarter, {megabytes[-1]:.0f} "
            f"MB at the end, {round(slope, 2) + 0.0:+.2f} MB a minute"
        ]


def resident_megabytes(pid: int) -> float:
    """Memory of a process that is not swapped out; on Linux."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1]) / MEGABYTE
    return 0.0
