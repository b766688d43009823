"""Poses in other parts of a map that see what a pose sees, or as much of it as a frame shows."""

from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.localizer.alike.congruence import congruent_motions
from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.localizer.descent.local_optimisation import ALIAS_START, FINAL_KEEP, keep_best, polish
from bpnp_ros.localizer.evidence.sight import sight
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.map_model.map_model import MapModel

MOST_ALIASES = 256  # tried for a frame that is looked for in the whole map
SLACK = 6.0  # standard deviations of a keypoint, by which a figure may differ that looks the same


def with_look_alikes(
    model: MapModel, candidates: Candidates, frame: Frame, most: int
) -> Candidates:
    """Joined by poses where the map looks like what the best candidate sees; `most` are tried.

    Of more that look the same than are kept, the nearest are: a moving camera may be there.
    """
    best = keep_best(model, candidates, frame, frame.sigma, 1)
    found = [model.aliases.of(best.T_map_camera[0], most)]
    # where up is known, all pairs of landmarks are tried, and these are found
    if model.is_open and not (model.turns_only or model.view_space.held.knows_up):
        found.append(_in_the_same_figure(model, best.T_map_camera[0], frame, most))
    poses = torch.cat(found)
    if not len(poses):
        return candidates
    metres, _ = apart(poses, best.T_map_camera[0])
    alike = Candidates.of(poses[metres.argsort()], best.proposer[0])
    alike = keep_best(model, alike, frame, ALIAS_START, FINAL_KEEP)
    return Candidates.joined([candidates, polish(model, alike, frame, ALIAS_START)])


def _in_the_same_figure(model: MapModel, T_map_camera: Tensor, frame: Frame, most: int) -> Tensor:
    """Poses (K, 4, 4) before landmarks that stand as those do which a pose (4, 4) explains."""
    seen = torch.from_numpy(sight(model, T_map_camera, frame).pairs[1]).to(T_map_camera.device)
    distance = float((model.points[seen] - T_map_camera[:3, 3]).norm(dim=1).mean())
    motions = congruent_motions(model.points, seen, SLACK * frame.sigma * distance, most)
    poses = motions @ T_map_camera
    return poses[model.view_space.holds(poses)]
