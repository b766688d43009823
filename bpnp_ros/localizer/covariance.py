"""How well a frame fixes a pose, and what that costs among all poses that might have been."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.rotation import so3_log
from bpnp_ros.localizer.descent.gauss_newton import motion_information
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import Prediction, assignment
from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]

NO_SHARE = 1e-5
SAME_MODE = 4.0  # sigmas
LEAST_INFORMATION = 1e-9  # relative to the best known axis; nothing is known of one below


def information(prediction: Prediction, T_map_camera: Tensor, frame: Frame) -> Array:
    """(6, 6) observed information on one pose, 1/m^2 and 1/rad^2.

    Position in the map and rotation about its fixed axes. That of the assigned keypoints, less what
    is missing because nobody knows which of them belongs to which point (Louis, 1982).
    """
    share = assignment(prediction, frame, frame.sigma)[0]
    row, column = (share > NO_SHARE).nonzero(as_tuple=True)
    weight = share[row, column].double()
    in_camera = prediction.in_camera[0, column].double()
    J = prediction.chart.jacobian(in_camera, prediction.nearest)
    error = (frame.xy[row] - prediction.xy[0, column]).double()
    pull = (J * error[..., None]).sum(dim=1) / frame.sigma**2
    complete = torch.einsum("n,nki,nkj->ij", weight, J, J) / frame.sigma**2
    of_keypoint = pull.new_zeros(len(share), 6).index_add_(0, row, weight[:, None] * pull)
    missing = (weight[:, None] * pull).T @ pull - of_keypoint.T @ of_keypoint
    return _in_map(complete - missing, T_map_camera)


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


def pose_covariance(model: MapModel, known: Array, config: LocalizerConfig) -> Array:
    """(6, 6) of position in the map and rotation about its fixed axes, m^2 and rad^2.

    The inverse of the information `known` (6, 6), nowhere below the configured floor. What it
    leaves open has a huge variance.
    """
    units = np.repeat([model.depth, 1.0], 3)
    value, vector = np.linalg.eigh(units[:, None] * known * units)
    variance = 1 / np.maximum(value, LEAST_INFORMATION * max(value.max(), 1.0))
    return _raised(units[:, None] * (vector * variance) @ vector.T * units, model, config)


def _raised(covariance: Array, model: MapModel, config: LocalizerConfig) -> Array:
    """The least covariance above both the one given and the floor, and scaled."""
    floor = np.repeat([config.sigma_position_floor * model.depth, config.sigma_angle_floor], 3)
    floor = np.maximum(floor, 1e-9)
    value, vector = np.linalg.eigh(covariance / np.outer(floor, floor))
    raised = (vector * np.maximum(value, 1.0)) @ vector.T * np.outer(floor, floor)
    scaled: Array = config.covariance_scale * raised
    return scaled


def twists_between(T_map_camera: Tensor, T_others: Tensor) -> Array:
    """From one pose (4, 4) to others (P, 4, 4): (P, 6), metres and radians, in the map's axes."""
    turn = so3_log(T_others[:, :3, :3].double() @ T_map_camera[:3, :3].double().T)
    step = (T_others[:, :3, 3] - T_map_camera[:3, 3]).double()
    twists: Array = torch.cat([step, turn], dim=1).cpu().numpy()
    return twists


def with_near_modes(covariance: Array, twists: Array, lost: Array) -> Array:
    """(6, 6) about one pose when it may also be one of others nearby: of the mixture of them all.

    twists: (P, 6) to the others. lost: (P,) nats by which they explain less. Those within
    SAME_MODE sigmas are the pose itself.
    """
    inverse = np.linalg.inv(covariance)
    chosen, mixed = list[int](), covariance.copy()
    total = 1.0
    for row in np.argsort(lost):
        others = twists[row] - np.concatenate([np.zeros((1, 6)), twists[chosen]])
        if (np.einsum("ni,ij,nj->n", others, inverse, others) < SAME_MODE**2).any():
            continue
        chosen.append(int(row))
        weight = float(np.exp(-max(lost[row], 0.0)))
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
