"""Whether the search keeps a view near the truth, where it has stored one."""

from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.benchmark.why.questions import Question
from bpnp_ros.localizer.candidates import apart
from bpnp_ros.localizer.proposers.likelihood_search import VIEWS_SEARCHED, LikelihoodSearch
from bpnp_ros.localizer.proposers.views.view_bank import drawn_views

NEAR_DEPTHS, NEAR_RADIANS = 0.1, 0.1


def keeps_near(question: Question) -> bool | None:
    """None where no stored view is within NEAR_DEPTHS and NEAR_RADIANS of the truth."""
    localizer, config = question.localizer, question.localizer.config
    model = localizer.map_model
    truth = in_the_map(question)
    views = drawn_views(model, model.views_stored(config.bank_views), config.seed)
    if not near(views, truth, question.depth).any():
        return None
    frame = localizer.frame_of(question.keypoints)
    kept = LikelihoodSearch(model, config).best_views(frame, VIEWS_SEARCHED)
    return bool(near(kept, truth, question.depth).any())


def in_the_map(question: Question) -> Tensor:
    """The true pose (4, 4) in the recentred map."""
    model = question.localizer.map_model
    truth = torch.from_numpy(question.T_map_camera).clone()
    truth[:3, 3] -= torch.from_numpy(model.point_map.origin)
    return truth.to(model.points)


def near(
    T_map_camera: Tensor,
    truth: Tensor,
    depth: float,
    depths: float = NEAR_DEPTHS,
    radians: float = NEAR_RADIANS,
) -> Tensor:
    """Which of poses (P, 4, 4) are so near to one (4, 4), (P,) bool."""
    metres, turned = apart(T_map_camera, truth)
    return (metres < depths * depth) & (turned < radians)
