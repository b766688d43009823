"""Stored views ranked by the measurement model, no two of those that are kept alike.

A coarse histogram finds views that the frame may show; among these it ranks by blur, and its best
are neighbours of each other. The measurement model, cues included, tells them apart.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.localizer.descent.poses import evidence
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.map_model.map_model import MapModel

RANKED_AT = 0.045  # standard deviation on the z = 1 plane: about what a view is off
MOST_RANKED = 768
MOST_POINTS = 256  # the likeliest in view, which are those that are seen again and again
ALIKE_DEPTHS, ALIKE_RADIANS = 0.04, 0.05  # refinement pulls views so near to each other together


def rank_views(model: MapModel, T_map_camera: Tensor, frame: Frame, keep: int) -> Tensor:
    """Of views (V, 4, 4), the likeliest by histogram first, the `keep` that explain a frame best.

    Clutter is taken to lie where the frame's keypoints lie: a view does not explain a frame by
    having many points where the frame has many keypoints.
    """
    views = _unlike(T_map_camera, model.depth, MOST_RANKED)
    coarse = frame.coarse().with_crowding()
    score = evidence(model, views, coarse, RANKED_AT, MOST_POINTS)
    return views[score.topk(min(keep, len(views))).indices]


def _unlike(T_map_camera: Tensor, depth: float, keep: int) -> Tensor:
    """The first `keep` of poses (V, 4, 4) that are not like an earlier one."""
    position = T_map_camera[:, :3, 3] / (ALIKE_DEPTHS * depth)
    rotation = T_map_camera[:, :3, :3].flatten(1) / (ALIKE_RADIANS * 2**0.5)
    place = torch.cat([position, rotation], dim=1)
    left = torch.ones(len(place), dtype=torch.bool, device=place.device)
    kept: list[int] = []
    while len(kept) < keep and left.any():
        kept.append(int(left.to(torch.uint8).argmax()))
        left &= (place - place[kept[-1]]).square().sum(dim=1) > 1
    return T_map_camera[kept]
