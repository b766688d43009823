"""What a node said of one message."""

from __future__ import annotations

from dataclasses import dataclass

TRACKER = "tracker"


@dataclass(frozen=True)
class FrameReport:
    """What the node's diagnostics said of one keypoint message.

    `category` is empty for a fix, `proposer` for a rejection. seconds: of computing.
    """

    stamp_ns: int
    state: str
    proposer: str = ""
    category: str = ""
    inliers: int = 0
    seconds: float = 0.0

    @property
    def global_fix(self) -> bool:
        """Found without a pose to start from."""
        return bool(self.proposer) and self.proposer != TRACKER
