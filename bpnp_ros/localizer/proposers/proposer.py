"""What a proposer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.progress import Progress, unheard


@dataclass(frozen=True, eq=False)
class Proposal:
    """candidates: near enough to be polished, possibly none.

    starts: views T_map_camera (P, 4, 4), the best first, for a search at length where none of the
    candidates is the answer; None where that would find no more.
    """

    candidates: Candidates
    starts: Tensor | None = None


class Proposer(Protocol):
    """Poses for a frame, without knowing where the camera was."""

    name: str

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """Do what takes long, once a camera is known. `progress` may raise to end it."""

    def propose(self, frame: Frame) -> Proposal:
        """Where a camera may have taken a frame."""
