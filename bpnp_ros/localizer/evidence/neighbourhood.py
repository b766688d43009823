"""What lies next to a pose: better ones, and others that explain nearly as much.

Search brings every place to an optimum, but a keypoint paired with the wrong point makes optima a
few centimetres beside the best. Poses that lead are tried around before they are compared, rivals
like the winner: of places that look alike none wins by having been looked at more closely.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.local_optimisation import polish
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.map_model.map_model import MapModel

TRIED = 24
REACH = 0.015  # standard deviation, depths and radians
START = 0.01  # of the refinement, on the z = 1 plane


def around(model: MapModel, leaders: Candidates, frame: Frame) -> Candidates:
    """TRIED poses about each of the leaders, pulled onto the keypoints."""
    generator = torch.Generator().manual_seed(0)
    offsets = REACH * torch.randn(len(leaders), TRIED, 6, generator=generator)
    offsets[..., :3] *= model.depth
    offsets = offsets.to(leaders.T_map_camera)
    if model.turns_only:
        offsets[..., :3] = 0
    beside = leaders.T_map_camera[:, None] @ _transforms(offsets)
    by = leaders.by.repeat_interleave(TRIED)
    return polish(model, Candidates(beside.flatten(0, 1), leaders.names, by), frame, START)


def _transforms(twists: Tensor) -> Tensor:
    return make_transform(so3_exp(twists[..., 3:]), twists[..., :3])
