"""How well a frame fixes a pose, and what that costs among all poses that might have been."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.rotation import angle_axes
from bpnp_ros.localizer.descent.gauss_newton import motion_information
from bpnp_ros.localizer.evidence.sight import sight
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]

SAME_MODE = 4.0  # sigmas
MOST_AHEAD = 3.0  # nats
POSE, LENS = slice(0, 6), slice(6, 8)
LEAST_INFORMATION = 1e-9  # relative to the best known axis; nothing is known of one below


def information(model: MapModel, T_map_camera: Tensor, frame: Frame) -> Array:
    """(6, 6) observed information of a frame on one pose (4, 4), 1/m^2 and 1/rad^2.

    Position in the map and rotation about its fixed axes.
    """
    return in_map(sight(model, T_map_camera, frame).H[POSE, POSE], T_map_camera)


def known_beforehand(model: MapModel, T_map_camera: Tensor) -> Array:
    """(6, 6) information on a pose from how the camera is held; zero where a map hides points."""
    if not model.is_open:
        return np.zeros((6, 6))
    return in_map(_of_motion(model, T_map_camera), T_map_camera)


def _of_motion(model: MapModel, T_map_camera: Tensor) -> Array:
    known: Array = motion_information(model, T_map_camera[None]).H[0].double().cpu().numpy()
    return known


def in_map(H: Array, T_map_camera: Tensor) -> Array:
    """Information (6, 6) in the camera's axes -> position in the map, rotation about its axes."""
    turn = axes_in_map(T_map_camera)
    turned: Array = turn @ H @ turn.T
    return turned


def axes_in_map(T_map_camera: Tensor) -> Array:
    """(6, 6) of a twist's two halves from the camera's axes into the map's."""
    turn = np.zeros((6, 6))
    turn[:3, :3] = turn[3:, 3:] = T_map_camera[:3, :3].cpu().numpy()
    return turn


def pose_covariance(model: MapModel, known: Array, config: LocalizerConfig) -> Array:
    """(6, 6) of position in the map and rotation about its fixed axes, m^2 and rad^2.

    The inverse of the information `known` (6, 6), nowhere below the configured floor. What it
    leaves open has a huge variance.
    """
    return _raised(left_open(model, known), model, config)


def left_open(model: MapModel, known: Array) -> Array:
    """(6, 6) the inverse of information on a pose, finite where nothing is known."""
    units = np.repeat([model.depth, 1.0], 3)
    value, vector = np.linalg.eigh(units[:, None] * known * units)
    variance = 1 / np.maximum(value, LEAST_INFORMATION * max(value.max(), 1.0))
    inverse: Array = units[:, None] * (vector * variance) @ vector.T * units
    return inverse


def _raised(covariance: Array, model: MapModel, config: LocalizerConfig) -> Array:
    """With no axis of position or of rotation below its floor, and scaled."""
    raised = covariance.copy()
    floors = (config.sigma_position_floor * model.depth, config.sigma_angle_floor)
    for block, floor in zip((slice(0, 3), slice(3, 6)), floors, strict=True):
        value, vector = np.linalg.eigh(covariance[block, block])
        raised[block, block] += (vector * np.maximum(floor**2 - value, 0.0)) @ vector.T
    scaled: Array = config.covariance_scale * raised
    return scaled


def twists_between(T_map_camera: Tensor, T_others: Tensor) -> Array:
    """From one pose (4, 4) to others (P, 4, 4): (P, 6), metres and radians, in the map's axes."""
    T, others = (poses.double().cpu().numpy() for poses in (T_map_camera, T_others))
    turn = angle_axes(others[:, :3, :3] @ T[:3, :3].T)
    return np.concatenate([others[:, :3, 3] - T[:3, 3], turn], axis=1)


def are_one_mode(twists: Array, covariance: Array) -> NDArray[np.bool_]:
    """Which of poses, (P, 6) from one, lie within SAME_MODE of its standard deviations."""
    distance = np.einsum("ni,ij,nj->n", twists, np.linalg.inv(covariance), twists)
    return distance < SAME_MODE**2


def with_near_modes(covariance: Array, twists: Array, lost: Array) -> Array:
    """(6, 6) about one pose when it may also be one of others nearby: of the mixture of them all.

    twists: (P, 6) to the others. lost: (P,) nats by which they explain less. Those within
    SAME_MODE sigmas are the pose itself.
    """
    chosen, mixed = list[int](), covariance.copy()
    total = 1.0
    for row in np.argsort(lost):
        others = twists[row] - np.concatenate([np.zeros((1, 6)), twists[chosen]])
        if are_one_mode(others, covariance).any():
            continue
        chosen.append(int(row))
        weight = float(np.exp(min(-lost[row], MOST_AHEAD)))
        mixed += weight * (covariance + np.outer(twists[row], twists[row]))
        total += weight
    return mixed / total


def occam_nats(known: Array, before: Array) -> float:
    """What a pose has to explain just for being one of many: log of prior over posterior volume.

    known: (6, 6) information of the frame. before: (6,) standard deviations of what was known
    without it. The log-likelihood ratio that chance reaches grows with it.
    """
    scaled = before[:, None] * known * before
    return 0.5 * float(np.log1p(np.maximum(np.linalg.eigvalsh(scaled), 0.0)).sum())
