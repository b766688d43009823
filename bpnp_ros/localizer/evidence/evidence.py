"""What speaks for the best pose of a frame, in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

A_KEYPOINT = 4.0  # nats that tell two poses apart


@dataclass(frozen=True)
class Evidence:
    """nats: log-likelihood ratio of the pose. rival: that of the best pose elsewhere, 0 for none.

    contested: sum over keypoints of the squared nats by which these two differ. owed: nats that a
    pose owes for being one of many. seen: share of the landmarks that should be in view that are,
    each weighted by how detectable it is. explained: share of the keypoints that are landmarks.
    beside: as `seen`, of what lies beside the plane of most of those seen; 1 where nobody asked.
    keypoints: of the frame. is_open: the map hides nothing. is_tracked: the pose was looked for
    near the last one.
    """

    nats: float
    rival: float
    contested: float
    owed: float
    seen: float
    explained: float
    beside: float
    keypoints: int
    is_open: bool
    is_tracked: bool

    @property
    def lead(self) -> float:
        """On the best pose elsewhere, and on what chance reaches, nats.

        Of n keypoints for the pose and m for the rival (n - m)^2 / (n + m) count at most: where the
        rival explains what the pose does not, a difference of the sums says less.
        """
        ahead = self.nats - max(self.rival, self.owed)
        if self.contested <= 0:
            return ahead
        return min(ahead, A_KEYPOINT * (self.nats - self.rival) ** 2 / self.contested)

    @property
    def match(self) -> float:
        """How well map and frame agree, 0 to 2: seen of the one and explained of the other."""
        return self.seen + self.explained
