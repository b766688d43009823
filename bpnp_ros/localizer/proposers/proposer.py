"""What a proposer is."""

from __future__ import annotations

from typing import Protocol

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.progress import Progress, unheard


class Proposer(Protocol):
    """Candidate poses for a frame, without knowing where the camera was."""

    name: str

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """Do what takes long, once a camera is known. `progress` may raise to end it."""

    def propose(self, frame: Frame) -> Candidates:
        """Candidates, near enough to be polished; possibly none."""
