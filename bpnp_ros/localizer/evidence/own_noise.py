"""How exact the keypoints of one frame are, and how many of them are clutter: said by the frame.

Expectation-maximisation at one pose: assignments, then noise, clutter share and pose from them. The
configured noise counts as some keypoints more, so that few of them do not say much.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from bpnp_ros.localizer.compiled.given import Noise
from bpnp_ros.localizer.compiled.inputs import compiled_settle, serves
from bpnp_ros.localizer.descent.gauss_newton import gauss_newton
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import Prediction, assignment, predict
from bpnp_ros.map_model.map_model import MapModel

MOST_ROUNDS = 8
SETTLED = 0.05  # change of the noise, relative
FITTED = 6  # numbers of a pose, which take some of the errors away
PRIOR_PAIRS = 1.0
LEAST_FACTOR, MOST_FACTOR = 0.2, 4.0  # of the configured noise
LEAST_CLUTTER, MOST_CLUTTER = 0.02, 0.98


def with_own_noise(model: MapModel, T_map_camera: Tensor, frame: Frame) -> tuple[Tensor, Frame]:
    """The pose (1, 4, 4) refined together with the frame's noise; the frame with it.

    sigma and clutter of the frame given are what is believed of them beforehand.
    """
    if not serves(model):
        return own_noise_in_tensors(model, T_map_camera, frame)
    T_map_camera, sigma, clutter = compiled_settle(model, T_map_camera, frame, beforehand(frame))
    return T_map_camera, replace(frame, sigma=sigma, clutter=clutter)


def own_noise_in_tensors(
    model: MapModel, T_map_camera: Tensor, frame: Frame
) -> tuple[Tensor, Frame]:
    """As `with_own_noise`."""
    own, seen = frame, predict(model, T_map_camera, frame.frustum)
    for _ in range(MOST_ROUNDS):
        share, before = assignment(seen, own, own.sigma), own.sigma
        own = noise_of(share[0], seen, frame, own)
        T_map_camera, seen = gauss_newton(model, T_map_camera, seen, own, own.sigma, share)
        if abs(own.sigma - before) < SETTLED * before:
            break
    return T_map_camera, own


def beforehand(frame: Frame) -> Noise:
    """What is believed of a frame's noise, as the compiled loops take it."""
    factors, clutter = (LEAST_FACTOR, MOST_FACTOR), (LEAST_CLUTTER, MOST_CLUTTER)
    return Noise(frame.sigma, PRIOR_PAIRS, float(FITTED), factors, clutter, MOST_ROUNDS, SETTLED)


def noise_of(share: Tensor, seen: Prediction, believed: Frame, own: Frame) -> Frame:
    """The frame with the noise that assignments (M, K) leave."""
    squared = (own.xy[:, None] - seen.xy[0]).square().sum(dim=2)
    pairs, errors = float(share.sum()), float((share * squared).sum())
    free = max(2 * pairs - FITTED, 0.0) + 2 * PRIOR_PAIRS
    variance = (errors + 2 * PRIOR_PAIRS * believed.sigma**2) / free
    least, most = LEAST_FACTOR * believed.sigma, MOST_FACTOR * believed.sigma
    clutter = min(max(1 - pairs / len(own.xy), LEAST_CLUTTER), MOST_CLUTTER)
    return replace(own, sigma=min(max(variance**0.5, least), most), clutter=clutter)
