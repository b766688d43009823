"""Stored views ranked by the measurement model, no two of those that are kept alike; near a map's
photographs, the best of them moved to where they explain more.

A coarse histogram finds views that the frame may show; among these it ranks by blur, and its best
are neighbours of each other. The measurement model, cues included, tells them apart.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.compiled.inputs import is_installed, unlike_rows
from bpnp_ros.localizer.descent.poses import evidence
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.proposers.views.frame_field import FrameField
from bpnp_ros.map_model.map_model import MapModel

RANKED_AT = 0.045  # standard deviation on the z = 1 plane: about what a view is off
MOST_RANKED = 768
MOST_POINTS = 256  # the likeliest in view, which are those that are seen again and again
ALIKE = 0.045  # depths, radians: refinement pulls views so near to each other together
CLIMBING, TRIES = 256, 12
REACHES = (0.14, 0.1, 0.07)  # of a random move, depths and radians


def rank_views(model: MapModel, T_map_camera: Tensor, frame: Frame, keep: int) -> Tensor:
    """Of views (V, 4, 4), the likeliest by histogram first, the `keep` that explain a frame best.

    Clutter is taken to lie where the frame's keypoints lie: a view does not explain a frame by
    having many points where the frame has many keypoints.
    """
    views = _unlike(T_map_camera, model.depth, MOST_RANKED)
    return views[_order(model, views, frame)[:keep]]


def rank_around_peaks(model: MapModel, T_map_camera: Tensor, frame: Frame, keep: int) -> Tensor:
    """Of views (V, 4, 4) all about some places, the `keep` that explain a frame best, no two of
    them alike."""
    return _unlike(T_map_camera[_order(model, T_map_camera, frame)], model.depth, keep)


def _order(model: MapModel, T_map_camera: Tensor, frame: Frame) -> Tensor:
    """Rows of poses (V, 4, 4), those first that explain a frame best."""
    coarse = frame.coarse().with_crowding()
    return evidence(model, T_map_camera, coarse, RANKED_AT, MOST_POINTS).argsort(descending=True)


def rank_and_climb(field: FrameField, T_map_camera: Tensor, seed: int) -> Tensor:
    """Of views (V, 4, 4) those that explain a frame best, before them those they climb to."""
    ranked = _best(field, T_map_camera, MOST_RANKED)
    return torch.cat([climb(field, ranked, seed), ranked])


def climb(field: FrameField, T_map_camera: Tensor, seed: int) -> Tensor:
    """From views (V, 4, 4), the best first, to poses that explain a frame better, no two alike.

    The nearest of views that stand in all six directions is seldom near enough for refinement: the
    best are moved at random, by less and less, and those stay that gain.
    """
    generator, depth = torch.Generator().manual_seed(seed), field.model.depth
    best = T_map_camera[:CLIMBING]
    for reach in REACHES:
        offset = torch.rand(TRIES * len(best), 6, generator=generator) * 2 - 1
        offset = offset.to(best) * reach
        step = make_transform(so3_exp(offset[:, 3:]), offset[:, :3] * depth)
        best = _best(field, torch.cat([best, best.repeat(TRIES, 1, 1) @ step]), CLIMBING)
    return best


def _best(field: FrameField, T_map_camera: Tensor, keep: int) -> Tensor:
    order = field.nats(T_map_camera).argsort(descending=True)
    return _unlike(T_map_camera[order], field.model.depth, keep)


def _unlike(T_map_camera: Tensor, depth: float, keep: int) -> Tensor:
    """The first `keep` of poses (V, 4, 4) that are not like an earlier one."""
    position = T_map_camera[:, :3, 3] / (ALIKE * depth)
    rotation = T_map_camera[:, :3, :3].flatten(1) / (ALIKE * 2**0.5)
    place = torch.cat([position, rotation], dim=1)
    if place.device.type == "cpu" and is_installed():
        return T_map_camera[unlike_rows(place, keep)]
    rows = torch.arange(len(place), device=place.device)
    left, kept = torch.ones_like(rows, dtype=torch.bool), torch.zeros_like(rows, dtype=torch.bool)
    for _ in range(min(keep, len(rows))):
        best = left.to(torch.uint8).argmax(dim=0, keepdim=True)
        kept = kept | (rows == best) & left  # none where none is left
        left = left & ((place - place[best]).square().sum(dim=1) > 1)
    return T_map_camera[kept]
