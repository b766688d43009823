"""What a proposer is."""

from __future__ import annotations

from typing import Protocol

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.frame import Frame


class Proposer(Protocol):
    """Candidate poses for a frame, without knowing where the camera was."""

    name: str

    def prepare(self, frustum: Frustum) -> None:
        """Do what takes long, once a camera is known."""

    def propose(self, frame: Frame) -> Candidates:
        """Candidates, near enough to be polished; possibly none."""
