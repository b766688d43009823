"""How probable it is that the best pose of a frame is a wrong one.

Two things speak for it: how far it leaves the best pose elsewhere behind, which is what chance and
look-alike places reach in that map and that frame, and how much more it explains than it owes for
being one of many. The weights are those of a logistic regression on simulated frames, see
docs/trust.md.
"""

from __future__ import annotations

import math

AT_NOTHING = 4.6
OF_LEAD = -1.0  # for each standard deviation of the lead
OF_SURPLUS = -0.029  # a nat
CROWD = 15  # keypoints
CROWD_NATS = 28.0  # what a crowd counts as at most
TRACKED_SURPLUS = -0.5  # a nat; the keypoints of a frame are not as independent as they are taken
TRACKED_OPEN = -4.0  # log-odds beforehand: the camera is near where it was, unless carried off


def in_a_map_that_hides(nats: float, owed: float, rival: float) -> float:
    """Of a first fix among rivals. All in nats of log-likelihood ratio; rival: 0 for none.

    The lead of one sum over keypoints on another varies with the root of what they sum up to.
    """
    lead = (nats - rival) / math.sqrt(nats + rival + 1)
    return _logistic(AT_NOTHING + OF_LEAD * lead + OF_SURPLUS * (nats - owed))


def in_an_open_map(
    nats: float, owed: float, rival: float, keypoints: int, beforehand: float = 0.0
) -> float:
    """Where few landmarks are seen each counts in full: the odds of chance and of the rival.

    Of a crowd of keypoints no two places share so many that a lead of some nats would say much.
    """
    lead = nats - rival
    if keypoints > CROWD:
        lead *= min(CROWD_NATS / max(nats, 1.0), 1.0)
    odds = math.exp(min(beforehand - (nats - owed), 0.0)) + math.exp(min(-lead, 0.0))
    return odds / (1 + odds)


def when_tracked(nats: float, owed: float) -> float:
    """Of a pose near the last one, with nothing to compare it with."""
    return _logistic(TRACKED_SURPLUS * (nats - owed))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(min(max(-x, -50.0), 50.0)))
