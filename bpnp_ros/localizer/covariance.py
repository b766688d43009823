"""How well a frame fixes a pose, and what that costs among all poses that might have been."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.local_optimisation import motion_information, normal_equations
from bpnp_ros.localizer.measurement import Prediction
from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]


def information(prediction: Prediction, T_map_camera: Tensor, frame: Frame) -> Array:
    """(6, 6) curvature of the soft-assigned reprojection error at one pose, 1/m^2 and 1/rad^2.

    Position in the map and rotation about its fixed axes.
    """
    return _in_map(normal_equations(prediction, frame, frame.sigma).H[0], T_map_camera)


def known_beforehand(model: MapModel, T_map_camera: Tensor) -> Array:
    """(6, 6) information on a pose from how the camera is held; zero where a map hides points."""
    if not model.is_open:
        return np.zeros((6, 6))
    return _in_map(motion_information(model, T_map_camera[None]).H[0], T_map_camera)


def _in_map(H: Tensor, T_map_camera: Tensor) -> Array:
    """Information in the camera's axes -> about the map's."""
    turn = np.kron(np.eye(2), T_map_camera[:3, :3].double().cpu().numpy())
    in_map: Array = turn @ H.double().cpu().numpy() @ turn.T
    return in_map


def pose_covariance(
    model: MapModel,
    prediction: Prediction,
    T_map_camera: Tensor,
    frame: Frame,
    error: NDArray[np.float64],
    config: LocalizerConfig,
) -> Array:
    """(6, 6) of position in the map and rotation about its fixed axes, m^2 and rad^2.

    Inverse curvature, scaled by the inliers' residuals (two coordinates each, six parameters
    fitted), and never below the configured floor. What the frame leaves open has a huge variance.
    """
    fitted = 6 if 2 * len(error) > 12 else 0  # of few pairs the noise is better known than seen
    variance = float((error**2).sum()) / max(2 * len(error) - fitted, 1) / frame.sigma**2
    scale = variance if fitted else max(variance, 1.0)
    known = information(prediction, T_map_camera, frame) / scale
    value, vector = np.linalg.eigh(known + known_beforehand(model, T_map_camera))
    spread = 1 / np.maximum(value, 1e-6 * max(value.max(), 1e-9))
    floor = [config.sigma_position_floor**2] * 3 + [config.sigma_angle_floor**2] * 3
    covariance: Array = (vector * spread) @ vector.T + np.diag(floor)
    return covariance


def occam_nats(known: Array, before: Array) -> float:
    """What a pose has to explain just for being one of many: log of prior over posterior volume.

    known: (6, 6) information of the frame. before: (6,) standard deviations of what was known
    without it. The log-likelihood ratio that chance reaches grows with it.
    """
    scaled = before[:, None] * known * before
    return 0.5 * float(np.linalg.slogdet(np.eye(6) + scaled)[1])
