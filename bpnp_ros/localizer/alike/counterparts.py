"""What tells two poses that look alike apart, whatever hides what: landmarks of one place alone.

What is in sight is guessed where points hide others, and guessed anew at each of two places that
look alike. A keypoint on a landmark that stands before the other pose, too, in sight or not, says
nothing for either; one on a landmark that has no such counterpart does.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.geometry.transform import invert, transform_points
from bpnp_ros.localizer.evidence.sight import INLIER_SIGMAS, sight
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.map_model.map_model import MapModel


def lead_by_own_landmarks(
    model: MapModel, T_map_camera: Tensor, T_map_other: Tensor, frame: Frame
) -> float:
    """Nats of a frame's keypoints that speak for one pose (4, 4) and not for another (4, 4)."""
    ahead = _nats_without_counterpart(model, T_map_camera, T_map_other, frame)
    return ahead - _nats_without_counterpart(model, T_map_other, T_map_camera, frame)


def _nats_without_counterpart(
    model: MapModel, T_map_camera: Tensor, T_map_other: Tensor, frame: Frame
) -> float:
    shown = sight(model, T_map_camera, frame)
    keypoint, point, _ = shown.pairs
    seen = model.points[torch.from_numpy(point).to(model.points.device)]
    in_camera = transform_points(invert(T_map_camera), seen)
    before_other = transform_points(T_map_other, in_camera)
    away = torch.cdist(before_other, model.points).amin(dim=1)
    alone = away > INLIER_SIGMAS * frame.sigma * in_camera.norm(dim=1)
    return float(shown.keypoint_nats[keypoint[alone.numpy(force=True)]].sum())
