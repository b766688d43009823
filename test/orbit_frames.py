"""The first photograph of the orbit, asked of a map that the others make."""

from __future__ import annotations

import numpy as np
import torch
from orbit import CAMERA, orbit
from torch import Tensor

from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.keypoints.lens import image_frustum
from bpnp_ros.localizer.descent.moves import all_ways
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.map_model.from_photographs import model_from_photographs
from bpnp_ros.map_model.map_model import MapModel


def mapped_by_the_others() -> MapModel:
    return model_from_photographs(orbit().with_images(np.arange(1, 24)))


def frame_of(xy: np.ndarray) -> Frame:
    """Of keypoints (M, 2) on the z = 1 plane."""
    rows = np.arange(len(xy))
    score = np.ones(len(xy), np.float32)
    keypoints = Keypoints(xy.astype(np.float32), score, rows, image_frustum(CAMERA))
    return Frame.of(keypoints, 1.3, 0.5, torch.device("cpu"))


def recentred_truth(model: MapModel) -> Tensor:
    """The first photograph's pose (4, 4) in the recentred map."""
    pose = torch.from_numpy(orbit().T_map_camera[0]).clone()
    pose[:3, 3] -= torch.from_numpy(model.point_map.origin)
    return pose.float()


def starts_about(truth: Tensor, depth: float, seed: int) -> Tensor:
    """Sixty poses, 7 % of the depth and some degrees off."""
    draw = torch.randn(60, 6, generator=torch.Generator().manual_seed(seed))
    return truth @ all_ways(0.1 * draw / draw.norm(dim=1, keepdim=True), depth)
