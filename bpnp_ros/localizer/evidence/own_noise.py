"""How exact the keypoints of one frame are, and how many of them are clutter: said by the frame.

Expectation-maximisation at one pose: assignments, then noise, clutter share and pose from them. The
configured noise counts as some keypoints more, so that few of them do not say much.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from bpnp_ros.localizer.descent.gauss_newton import gauss_newton
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import Prediction, assignment
from bpnp_ros.map_model.map_model import MapModel

MOST_ROUNDS = 8
SETTLED = 0.05  # change of the noise, relative
FITTED = 6  # numbers of a pose, which take some of the errors away
PRIOR_PAIRS = 2.0
LEAST_FACTOR, MOST_FACTOR = 0.2, 4.0  # of the configured noise
LEAST_CLUTTER, MOST_CLUTTER = 0.02, 0.98


def with_own_noise(
    model: MapModel, T_map_camera: Tensor, seen: Prediction, frame: Frame
) -> tuple[Tensor, Prediction, Frame]:
    """The pose (1, 4, 4) refined together with the frame's noise; what it sees; the frame with it.

    sigma and clutter of the frame given are what is believed of them beforehand.
    """
    own = frame
    for _ in range(MOST_ROUNDS):
        share, before = assignment(seen, own, own.sigma), own.sigma
        own = noise_of(share[0], seen, frame, own)
        T_map_camera, seen = gauss_newton(model, T_map_camera, seen, own, own.sigma, share)
        if abs(own.sigma - before) < SETTLED * before:
            break
    return T_map_camera, seen, own


def noise_of(share: Tensor, seen: Prediction, believed: Frame, own: Frame) -> Frame:
    """The frame with the noise that assignments (M, K) leave."""
    squared = (own.xy[:, None] - seen.xy[0]).square().sum(dim=2)
    pairs, errors = float(share.sum()), float((share * squared).sum())
    free = max(2 * pairs - FITTED, 0.0) + 2 * PRIOR_PAIRS
    variance = (errors + 2 * PRIOR_PAIRS * believed.sigma**2) / free
    least, most = LEAST_FACTOR * believed.sigma, MOST_FACTOR * believed.sigma
    clutter = min(max(1 - pairs / len(own.xy), LEAST_CLUTTER), MOST_CLUTTER)
    return replace(own, sigma=min(max(variance**0.5, least), most), clutter=clutter)
