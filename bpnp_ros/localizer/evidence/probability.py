"""How probable it is that the best pose of a frame is a wrong one.

Either chance made it: then it leads by little, in nats, on the best pose elsewhere, which is what
look-alike places and chance reach in that map and that frame, or on what a pose owes for being one
of many. Or it is right about one plane alone, as in a building that mirrors the one of the map:
then it may lead by much, but nothing of what should be in view beside that plane is. In a map that
hides points the weights are those of two logistic regressions on simulated frames, see
docs/trust.md; a keypoint is not as independent of the others as the likelihood takes it to be.
"""

from __future__ import annotations

import math

from bpnp_ros.localizer.evidence.evidence import Evidence
from bpnp_ros.localizer.evidence.weights import (
    CHANCE_AT_NOTHING,
    CHANCE_OF_LEAD,
    PLANE_AT_NOTHING,
    PLANE_OF_BESIDE,
)

CHANCE_OPEN = 1.5  # nats by which chance leads in the mean, among few landmarks
OF_MATCH_OPEN = 4.0  # nats for what agrees beyond half of keypoints and landmarks in view
CROWD = 15  # keypoints
CROWD_NATS = 28.0  # what a crowd counts as at most
FIRST_OPEN = 1.4  # log-odds beforehand: a camera that nobody has found may be elsewhere
TRACKED_OPEN = -2.0  # the camera is near where it was, unless carried off


def false_pose_probability(evidence: Evidence) -> float:
    """0 to 1."""
    if evidence.is_open:
        return _in_an_open_map(evidence)
    return 1 - (1 - by_chance(evidence)) * (1 - by_a_plane(evidence))


def by_chance(evidence: Evidence) -> float:
    """Of a map that hides points: that any pose would have done as well."""
    return logistic(CHANCE_AT_NOTHING - CHANCE_OF_LEAD * evidence.lead)


def by_a_plane(evidence: Evidence) -> float:
    """Of a map that hides points: that the pose is right about one plane alone."""
    return logistic(PLANE_AT_NOTHING - PLANE_OF_BESIDE * evidence.beside)


def _in_an_open_map(evidence: Evidence) -> float:
    """Where few landmarks are seen each counts in full: the odds of chance and of the rival.

    Of a crowd of keypoints no two places share so many that a lead of some nats would say much.
    """
    agrees = OF_MATCH_OPEN * (evidence.match - 1)
    lead = evidence.nats - evidence.rival
    ahead = lead / CHANCE_OPEN + agrees
    if evidence.keypoints > CROWD:
        ahead = min(ahead, lead * CROWD_NATS / max(evidence.nats, 1.0))
    surplus = (evidence.nats - evidence.owed) / CHANCE_OPEN + agrees
    if evidence.is_tracked:
        surplus -= TRACKED_OPEN
    odds = sum(math.exp(min(-nats, 0.0)) for nats in (surplus, ahead))
    if not evidence.is_tracked:
        odds *= math.exp(FIRST_OPEN)
    return odds / (1 + odds)


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(min(max(-x, -50.0), 50.0)))
