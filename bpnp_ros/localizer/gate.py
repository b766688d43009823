"""The gate: a pose is an answer only when the frame's likelihood says so.

What chance explains in this map and image is measured, not assumed: the search's best poses
elsewhere are refined like the winner, and the winner must leave them behind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.listening import tell
from bpnp_ros.localizer.local_optimisation import normal_equations
from bpnp_ros.localizer.measurement import Prediction, explained, log_likelihood_ratio, predict
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.map_model import MapModel

INLIER_SIGMAS = 3.0


@dataclass(frozen=True)
class Gate:
    """What the winner must show."""

    log_likelihood_ratio: float
    inliers: int
    rival_share: float


def verify(
    model: MapModel, candidates: Candidates, frame: Frame, gate: Gate, config: LocalizerConfig
) -> Fix | Rejection:
    """The likeliest candidate as a Fix, or why it is none."""
    candidates = candidates.select(model.view_space.holds(candidates.T_map_camera).nonzero()[:, 0])
    if len(candidates) == 0:
        return Rejection(
            Category.NOT_VERIFIED, "every candidate is where no camera can be in this map"
        )
    prediction = predict(model, candidates.T_map_camera, frame.frustum)
    score = log_likelihood_ratio(prediction, frame, frame.sigma)
    tell(candidates, score)
    best = int(score.argmax())
    if score[best] < gate.log_likelihood_ratio:
        return Rejection(
            Category.NOT_VERIFIED,
            f"the best pose has a log-likelihood ratio of {score[best]:.0f} nats, "
            f"{gate.log_likelihood_ratio:.0f} are "
            f"asked for; {len(frame.xy)} keypoints, {len(candidates)} candidates",
        )
    distance, angle = apart(candidates.T_map_camera, candidates.T_map_camera[best])
    elsewhere = (distance > config.rival_distance) | (angle > config.rival_angle)
    rival = float(score[elsewhere].max()) if elsewhere.any() else 0.0
    if rival > gate.rival_share * score[best]:
        return Rejection(
            Category.AMBIGUOUS,
            f"a pose elsewhere explains the frame nearly as well: {rival:.0f} against "
            f"{score[best]:.0f} nats of log-likelihood ratio",
        )
    # the first of the equals was proposed by the proposer that was asked first
    same = (distance < 0.2 * config.rival_distance) & (angle < 0.2 * config.rival_angle)
    proposer = candidates.proposer[int(same.nonzero()[0])]
    return _fix(model, candidates.T_map_camera[best], proposer, frame, gate, config)


def _fix(
    model: MapModel,
    T_map_camera: Tensor,
    proposer: str,
    frame: Frame,
    gate: Gate,
    config: LocalizerConfig,
) -> Fix | Rejection:
    prediction = predict(model, T_map_camera[None], frame.frustum)
    keypoint, point, error = inlier_pairs(prediction, frame)
    if len(keypoint) < gate.inliers:
        return Rejection(
            Category.NOT_VERIFIED,
            f"{len(keypoint)} inliers where {gate.inliers} are asked for",
        )
    covariance = pose_covariance(prediction, T_map_camera, frame, error, config)
    sigma = np.sqrt(np.diag(covariance))
    if sigma[:3].max() > config.max_sigma_position or sigma[3:].max() > config.max_sigma_angle:
        return Rejection(
            Category.ILL_CONDITIONED,
            f"the keypoints leave the pose open by {sigma[:3].max():.2f} m and "
            f"{np.degrees(sigma[3:].max()):.1f} deg (1 sigma)",
        )
    pose = T_map_camera.double().cpu().numpy()
    pose[:3, 3] += model.point_map.origin
    return Fix(
        T_map_camera=pose,
        covariance=covariance,
        keypoint_index=keypoint,
        point_index=point,
        reprojection_error_px=float(np.sqrt(np.mean(error**2)) / frame.frustum.pixel),
        proposer=proposer,
        log_likelihood_ratio=float(log_likelihood_ratio(prediction, frame, frame.sigma)[0]),
        threshold=gate.log_likelihood_ratio,
    )


def inlier_pairs(
    prediction: Prediction, frame: Frame
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """One-to-one pairs at one pose: keypoint rows, map rows, errors on the z = 1 plane, (K,) each.

    A pair belongs to both its keypoint's likeliest point and its point's likeliest keypoint.
    """
    ratio = explained(prediction, frame, frame.sigma)[0]
    column = ratio.argmax(dim=1)
    row = torch.arange(len(column), device=column.device)
    mutual = ratio.argmax(dim=0)[column] == row
    error = (frame.xy - prediction.xy[0, column]).norm(dim=1)
    inlier = mutual & (error < INLIER_SIGMAS * frame.sigma) & (prediction.weight[0, column] > 0)
    rows, columns = row[inlier], prediction.point[0, column[inlier]]
    return rows.cpu().numpy(), columns.cpu().numpy(), error[inlier].double().cpu().numpy()


def pose_covariance(
    prediction: Prediction,
    T_map_camera: Tensor,
    frame: Frame,
    error: NDArray[np.float64],
    config: LocalizerConfig,
) -> NDArray[np.float64]:
    """(6, 6) of position in the map and rotation about its fixed axes, m^2 and rad^2.

    Inverse curvature of the soft-assigned reprojection error, scaled by the inliers' residuals
    (two coordinates each, six parameters fitted), and never below the configured floor.
    """
    H = normal_equations(prediction, frame, frame.sigma).H[0].double().cpu().numpy()
    variance = float((error**2).sum()) / max(2 * len(error) - 6, 1)
    in_camera = np.linalg.pinv(H, hermitian=True) * variance / frame.sigma**2
    R = T_map_camera[:3, :3].double().cpu().numpy()
    turn = np.kron(np.eye(2), R)
    floor = [config.sigma_position_floor**2] * 3 + [config.sigma_angle_floor**2] * 3
    covariance: NDArray[np.float64] = turn @ in_camera @ turn.T + np.diag(floor)
    return covariance
