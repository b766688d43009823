"""How probable it is that the best pose of a frame is a wrong one.

What counts is by how much it leads, in nats: on the best pose elsewhere, which is what look-alike
places and chance reach in that map and that frame, or on what a pose owes for being one of many;
and how many of the landmarks that it says are in view are seen. In a map that hides points the
weights are those of a logistic regression on simulated frames, see docs/trust.md; a keypoint is not
as independent of the others as the likelihood takes it to be.
"""

from __future__ import annotations

import math

from bpnp_ros.localizer.evidence.evidence import Evidence
from bpnp_ros.localizer.evidence.weights import AT_NOTHING, OF_LEAD, OF_SEEN

CROWD = 15  # keypoints
CROWD_NATS = 28.0  # what a crowd counts as at most
SPREAD_AT_NOTHING, SPREAD_OF_SURPLUS = 4.6, 0.029  # fitted on 720 first fixes in buildings
TRACKED_OPEN = -4.0  # log-odds beforehand: the camera is near where it was, unless carried off


def false_pose_probability(evidence: Evidence) -> float:
    """0 to 1."""
    if evidence.is_open:
        return _in_an_open_map(evidence)
    log_odds = AT_NOTHING - OF_LEAD * evidence.lead
    if not evidence.is_tracked:
        log_odds = max(log_odds, _by_spread(evidence))
    return logistic(log_odds - OF_SEEN * evidence.seen)


def _by_spread(evidence: Evidence) -> float:
    """Log-odds of a first fix; the lead of one sum over keypoints on another varies with the root
    of what they sum up to. By the lead in nats alone a mirrored map found its place."""
    ahead, surplus = evidence.nats - evidence.rival, evidence.nats - evidence.owed
    spread = math.sqrt(evidence.nats + evidence.rival + 1)
    return SPREAD_AT_NOTHING - ahead / spread - SPREAD_OF_SURPLUS * surplus


def _in_an_open_map(evidence: Evidence) -> float:
    """Where few landmarks are seen each counts in full: the odds of chance and of the rival.

    Of a crowd of keypoints no two places share so many that a lead of some nats would say much.
    """
    ahead = evidence.nats - evidence.rival
    if evidence.keypoints > CROWD:
        ahead *= min(CROWD_NATS / max(evidence.nats, 1.0), 1.0)
    beforehand = TRACKED_OPEN if evidence.is_tracked else 0.0
    surplus = evidence.nats - evidence.owed
    odds = math.exp(min(beforehand - surplus, 0.0)) + math.exp(min(-ahead, 0.0))
    return odds / (1 + odds)


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(min(max(-x, -50.0), 50.0)))
