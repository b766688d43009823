"""What one pose shows of a frame, at the frame's own noise: all that the gate asks of it.

On a processor it is machine code, elsewhere tensors; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.localizer.compiled.given import Limits
from bpnp_ros.localizer.compiled.inputs import Pairs, compiled_sight, serves
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import (
    Prediction,
    assignment,
    explained,
    keypoint_nats,
    predict,
)
from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]

NO_SHARE = 1e-5
INLIER_SIGMAS = 3.0


@dataclass(frozen=True, eq=False)
class Sight:
    """H, g: observed information (8, 8) and gradient (8,), see `observed`.

    seen: how much of what should be in view is, 0 to 1. pairs: keypoint rows, map rows, errors on
    the plane of the chart, (K,) each, one to one. keypoint_nats: (M,) what each keypoint adds to
    the log-likelihood ratio.
    """

    H: Array
    g: Array
    seen: float
    pairs: Pairs
    keypoint_nats: Array

    @property
    def nats(self) -> float:
        """Log-likelihood ratio of the pose."""
        return float(self.keypoint_nats.sum())


def sight(model: MapModel, T_map_camera: Tensor, frame: Frame) -> Sight:
    """From a pose (4, 4) in the recentred map."""
    if serves(model):
        limits = Limits(NO_SHARE, INLIER_SIGMAS)
        return Sight(*compiled_sight(model, T_map_camera, frame, limits))
    return sight_in_tensors(predict(model, T_map_camera[None], frame.frustum), frame)


def sight_in_tensors(prediction: Prediction, frame: Frame) -> Sight:
    """As `sight`, of what one pose should see."""
    H, g = (part.cpu().numpy() for part in observed(prediction, frame))
    nats = keypoint_nats(prediction, frame, frame.sigma)[0].double().cpu().numpy()
    return Sight(H, g, share_seen(prediction, frame), inlier_pairs(prediction, frame), nats)


def observed(prediction: Prediction, frame: Frame) -> tuple[Tensor, Tensor]:
    """Observed information (8, 8) and gradient (8,) of the log-likelihood at one pose.

    (v, w) of the camera in its own axes, its zoom, and its first radial distortion on the chart.
    The information is that of the assigned keypoints, less what is missing because nobody knows
    which of them belongs to which point (Louis, 1982).
    """
    share = assignment(prediction, frame, frame.sigma)[0]
    row, column = (share > NO_SHARE).nonzero(as_tuple=True)
    weight, image = share[row, column].double(), prediction.xy[0, column].double()
    in_camera = prediction.in_camera[0, column].double()
    radial = image * image.square().sum(dim=1, keepdim=True)
    by_pose = prediction.chart.jacobian(in_camera, prediction.nearest)
    J = torch.cat([by_pose, image[..., None], radial[..., None]], dim=2)
    error = frame.xy[row].double() - image
    pull = (J * error[..., None]).sum(dim=1) / frame.sigma**2
    complete = torch.einsum("n,nki,nkj->ij", weight, J, J) / frame.sigma**2
    weighted = weight[:, None] * pull
    of_keypoint = pull.new_zeros(len(share), J.shape[2]).index_add_(0, row, weighted)
    missing = weighted.T @ pull - of_keypoint.T @ of_keypoint
    return complete - missing, weighted.sum(dim=0)


def share_seen(prediction: Prediction, frame: Frame) -> float:
    """How much of what one pose should see is seen, 0 to 1."""
    hits = assignment(prediction, frame, frame.sigma)[0].sum(dim=0).clamp(max=1.0)
    return min(float(hits.sum()) / max(float(prediction.weight.sum()), 1e-6), 1.0)


def inlier_pairs(prediction: Prediction, frame: Frame) -> Pairs:
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
