"""What is asked of many poses at once: on a processor compiled, elsewhere in tensors."""

from __future__ import annotations

from torch import Tensor

from bpnp_ros.localizer.compiled.inputs import compiled_evidence, compiled_refine, serves
from bpnp_ros.localizer.descent.gauss_newton import refine_in_tensors
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import ALL, log_likelihood_ratio, predict
from bpnp_ros.map_model.map_model import MapModel

_CHUNK = 1 << 24  # pairs of a keypoint and a point at once


def evidence(
    model: MapModel, T_map_camera: Tensor, frame: Frame, sigma: float, most_points: int = ALL
) -> Tensor:
    """Log-likelihood ratios (P,), nats, of poses (P, 4, 4) with noise `sigma` (on the plane).

    most_points: of the points in view only so many count, the likeliest.
    """
    if serves(model):
        return compiled_evidence(model, T_map_camera, frame, sigma, most_points)
    at_once = max(_CHUNK // (len(frame.xy) * min(most_points, len(model.points))), 1)
    scores = T_map_camera.new_empty(len(T_map_camera))
    for start in range(0, len(scores), at_once):
        rows = slice(start, start + at_once)
        seen = predict(model, T_map_camera[rows], frame.frustum, most_points)
        scores[rows] = log_likelihood_ratio(seen, frame, sigma)
    return scores


def refine(
    model: MapModel,
    T_map_camera: Tensor,
    frame: Frame,
    sigmas: list[float],
    most_points: int = ALL,
) -> Tensor:
    """Poses (P, 4, 4) after one damped Gauss-Newton step for each of `sigmas` (on the plane).

    Which points are in view is looked up anew every few steps.
    """
    refined = compiled_refine if serves(model) else refine_in_tensors
    return refined(model, T_map_camera, frame, sigmas, most_points)
