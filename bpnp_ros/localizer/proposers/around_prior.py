"""Poses around one that is believed in beforehand."""

from __future__ import annotations

import numpy as np
import torch

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.local_optimisation import (
    FINAL_KEEP,
    FINAL_START,
    coarse_to_fine_views,
    keep_best,
)
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.proposers.proposer import Proposal
from bpnp_ros.map_model.map_model import MapModel

PRIOR = "prior"
PRIOR_SAMPLES = 256


def propose_around(model: MapModel, prior: PosePrior, frame: Frame, seed: int) -> Proposal:
    """Poses drawn from a prior, pulled onto the keypoints from coarse to fine.

    Those that are right already coarse steps may lead away: the best are kept as they were drawn.
    """
    generator = torch.Generator().manual_seed(seed)
    spread = np.linalg.cholesky(prior.covariance + 1e-12 * np.eye(6))
    draws = torch.randn(PRIOR_SAMPLES, 6, generator=generator) @ torch.from_numpy(spread.T).float()
    draws[0] = 0
    centre = torch.from_numpy(prior.T_map_camera).float()
    position = centre[:3, 3] - torch.from_numpy(model.point_map.origin).float() + draws[:, :3]
    poses = make_transform(so3_exp(draws[:, 3:]) @ centre[:3, :3], position).to(frame.xy)
    drawn = Candidates.of(poses, PRIOR)
    as_drawn = keep_best(model, drawn, frame, FINAL_START, FINAL_KEEP)
    pulled = coarse_to_fine_views(model, drawn, frame)
    starts = None if model.is_open else poses
    return Proposal(Candidates.joined([pulled, as_drawn]), starts)
