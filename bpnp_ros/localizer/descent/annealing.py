"""Poses moved at random, by less and less; those stay that explain a frame at ever finer noise.

Under coarse noise a pose explains much by having points where a frame has many keypoints. So
clutter is taken to lie where the keypoints lie, blurred a little more than they are: what counts
is which points lie on keypoints, not which lie among many.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bpnp_ros.localizer.descent.distinct import distinct
from bpnp_ros.localizer.descent.moves import all_ways, sidesteps
from bpnp_ros.localizer.descent.poses import evidence, refine
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import MOST_COARSE_POINTS
from bpnp_ros.map_model.map_model import MapModel

ALIKE = 0.4  # of a move: poses so near to each other are one
AIM = 0.3  # of a sidestep, to its side


class Level(NamedTuple):
    """sigma: of a keypoint on the z = 1 plane. crowding: blur of the clutter, in sigmas.

    reach: of a move, depths and radians. tries: moves of each pose. keep: the best of all.
    """

    sigma: float
    crowding: float
    reach: float
    tries: int
    keep: int


Levels = tuple[Level, ...]
FROM_PLACES: Levels = (
    Level(0.035, 2.0, 0.12, 16, 192),
    Level(0.02, 2.0, 0.07, 10, 96),
    Level(0.012, 3.0, 0.04, 10, 32),
)
FROM_PHOTOGRAPHS: Levels = (
    Level(0.02, 2.0, 0.07, 6, 256),
    Level(0.015, 2.0, 0.05, 10, 128),
    Level(0.01, 3.0, 0.03, 12, 64),
    Level(0.008, 3.0, 0.02, 12, 32),
)


def anneal(
    model: MapModel, T_map_camera: Tensor, frame: Frame, seed: int, levels: Levels
) -> Tensor:
    """From poses (P, 4, 4), the most hopeful first and some near the truth, to the best few
    (K, 4, 4)."""
    generator, depth = torch.Generator().manual_seed(seed), model.depth
    best = T_map_camera
    for level in levels:
        crowded = frame.with_crowding(level.crowding * level.sigma)
        draw = torch.rand(level.tries * len(best), 6, generator=generator) * 2 - 1
        moves = _moves(level.reach * draw, depth).to(best)
        poses = torch.cat([best, best.repeat(level.tries, 1, 1) @ moves])
        nats = evidence(model, poses, crowded, level.sigma, MOST_COARSE_POINTS)
        poses = poses[nats.argsort(descending=True, stable=True)]
        apart = ALIKE * level.reach
        best = poses[distinct(poses, apart * depth, apart, level.keep)]
        best = refine(model, best, crowded, [level.sigma], MOST_COARSE_POINTS)
    return best


def _moves(offset: Tensor, depth: float) -> Tensor:
    """Moves (P, 4, 4) of offsets (P, 6), half of them to a side."""
    half = len(offset) // 2
    aside = offset[half:] * offset.new_tensor([1.0, 1.0, 1.0, AIM, AIM, 1.0])
    return torch.cat([all_ways(offset[:half], depth), sidesteps(aside, depth)])
