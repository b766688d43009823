"""The gate: a pose is an answer only when the frame's likelihood says so.

What chance explains in this map and image is measured, not assumed: the search's best poses
elsewhere are refined like the winner, and the winner must leave them behind. None is dropped before
the comparison: a pose where no camera can be stays a rival, and if it wins there is no answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.localizer.covariance import information, occam_nats, pose_covariance
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.listening import tell
from bpnp_ros.localizer.measurement import Prediction, explained, log_likelihood_ratio, predict
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.map_model import MapModel

INLIER_SIGMAS = 3.0
TRACKED_MARGIN = 3.0  # nats: the camera is near where it was, unless it was carried off
CROWD = 15  # keypoints; the truth explains so many of more that no rival comes near


@dataclass(frozen=True)
class Gate:
    """What the winner must show.

    log_likelihood_ratio: nats, besides what it owes for being one of many poses. before: (6,)
    standard deviations of the pose without the frame. inliers: fewest. rival_share, margin: a pose
    elsewhere may have this share of the winner's nats. odds: nats by which the winner must be
    better than no pose at all, and than any elsewhere.
    """

    log_likelihood_ratio: float
    before: NDArray[np.float64]
    inliers: int
    rival_share: float
    odds: float

    @classmethod
    def of_search(cls, model: MapModel, frame: Frame, config: LocalizerConfig) -> Gate:
        """Of a pose found among all that are possible in the map."""
        odds, count = -math.log(config.false_pose_rate), len(frame.xy)
        if model.is_open:
            share = config.rival_share if count > CROWD else 1.0
            return cls(0.0, model.spread, model.least_pairs, share, odds)
        per_keypoint = config.min_log_likelihood_ratio_per_keypoint * count
        least = max(config.min_log_likelihood_ratio, per_keypoint)
        return cls(least, model.spread, config.min_inliers, config.rival_share, odds)

    @classmethod
    def of_tracking(
        cls,
        model: MapModel,
        frame: Frame,
        usual: float,
        reach: tuple[float, float],
        config: LocalizerConfig,
    ) -> Gate:
        """Of a pose near the last one; usual: keypoints explained in the frames before."""
        before = np.minimum(np.repeat(reach, 3) / 2, model.spread)
        if model.is_open:
            least = max(model.least_pairs - 1, round(0.5 * config.tracking_share * usual))
            return cls(0.0, before, least, 1.0, TRACKED_MARGIN)
        least = max(config.tracking_inliers, round(config.tracking_share * usual))
        per_keypoint = config.min_log_likelihood_ratio_per_keypoint * len(frame.xy)
        ratio = max(config.tracking_log_likelihood_ratio, per_keypoint)
        return cls(ratio, before, least, 1.0, 0.0)


def verify(
    model: MapModel, candidates: Candidates, frame: Frame, gate: Gate, config: LocalizerConfig
) -> Fix | Rejection:
    """The likeliest candidate as a Fix, or why it is none."""
    prediction = predict(model, candidates.T_map_camera, frame.frustum)
    score = log_likelihood_ratio(prediction, frame, frame.sigma)
    tell(candidates, score)
    best = int(score.argmax())
    winner = candidates.T_map_camera[best]
    seen = prediction.select(torch.tensor([best]))
    known = information(seen, winner, frame)
    owed = occam_nats(known, gate.before) + gate.odds
    least = max(gate.log_likelihood_ratio, owed)
    if not score[best] >= least:
        return Rejection(
            Category.NOT_VERIFIED,
            f"the best pose has a log-likelihood ratio of {score[best]:.0f} nats, {least:.0f} are "
            f"asked for; {len(frame.xy)} keypoints, {len(candidates)} candidates",
        )
    objection = model.view_space.objection(winner)
    if objection:
        x, y, z = (winner[:3, 3].double().cpu().numpy() + model.point_map.origin).tolist()
        return Rejection(
            Category.NOT_VERIFIED,
            f"the camera seems to be at ({x:.2f}, {y:.2f}, {z:.2f}), {objection}",
        )
    distance, angle = apart(candidates.T_map_camera, winner)
    metres = config.rival_distance * model.depth
    elsewhere = (distance > metres) | (angle > config.rival_angle)
    rival = float(score[elsewhere].max()) if elsewhere.any() else 0.0
    if rival > min(gate.rival_share * score[best], score[best] - gate.odds):
        return Rejection(
            Category.AMBIGUOUS,
            f"a pose elsewhere explains the frame nearly as well: {rival:.0f} against "
            f"{score[best]:.0f} nats of log-likelihood ratio",
        )
    # the first of the equals was proposed by the proposer that was asked first
    same = (distance < 0.2 * metres) & (angle < 0.2 * config.rival_angle)
    proposer = candidates.proposer[int(same.nonzero()[0])]
    return _fix(model, seen, winner, proposer, frame, gate.inliers, least, config)


def _fix(
    model: MapModel,
    seen: Prediction,
    T_map_camera: Tensor,
    proposer: str,
    frame: Frame,
    least_inliers: int,
    least_nats: float,
    config: LocalizerConfig,
) -> Fix | Rejection:
    keypoint, point, error = inlier_pairs(seen, frame)
    if len(keypoint) < least_inliers:
        return Rejection(
            Category.NOT_VERIFIED,
            f"{len(keypoint)} inliers where {least_inliers} are asked for",
        )
    covariance = pose_covariance(model, seen, T_map_camera, frame, error, config)
    sigma = np.sqrt(np.diag(covariance))
    most = config.max_sigma_position * model.depth
    if not (sigma[:3].max() <= most and sigma[3:].max() <= config.max_sigma_angle):
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
        log_likelihood_ratio=float(log_likelihood_ratio(seen, frame, frame.sigma)[0]),
        threshold=least_nats,
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
