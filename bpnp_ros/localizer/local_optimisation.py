"""Pull poses onto the keypoints: Gauss-Newton on soft assignments, from coarse to fine.

Coarse stages try many poses on few keypoints and the likeliest points, the last ones all there is.
"""

from __future__ import annotations

import torch

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.poses import evidence, refine
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import ALL, MOST_COARSE_POINTS
from bpnp_ros.map_model.map_model import MapModel

# candidates kept, and the standard deviations of one step each (z = 1 plane)
Stages = tuple[tuple[int, list[float]], ...]
FROM_VIEWS: Stages = ((192, [0.09]), (64, [0.07, 0.055]), (24, [0.04, 0.03]))
FROM_CROWDED_VIEWS: Stages = ((192, [0.04]), (64, [0.035, 0.03]), (24, [0.025, 0.02]))
FROM_NEARBY: Stages = ((64, [0.06, 0.05]), (16, [0.04, 0.03]))
FROM_CROWDED_NEARBY: Stages = ((64, [0.04, 0.03]), (16, [0.02, 0.015]))
FROM_PREDICTION: Stages = ((8, [0.08, 0.05]), (2, [0.035]))
PERTURBATIONS = 48
MOST_ROUNDS = 8
WORTH_A_ROUND = 1.02  # log-likelihood ratio, relative to what it was
PERTURBATION_REACH = (0.12, 0.06, 0.12, 0.12, 0.15, 0.08)  # depths and radians, camera axes
FINAL_KEEP = 16
FINAL_START, ALIAS_START = 0.025, 0.01
FINAL_FACTOR = 0.5


def coarse_to_fine(
    model: MapModel, candidates: Candidates, frame: Frame, stages: Stages = FROM_VIEWS
) -> Candidates:
    """From many poses, some of them near the truth, to the few best, the best first."""
    coarse = frame.coarse()
    for keep, sigmas in stages:
        if len(candidates) > keep:
            candidates = keep_best(model, candidates, coarse, sigmas[0], keep, MOST_COARSE_POINTS)
        poses = refine(model, candidates.T_map_camera, coarse, sigmas, MOST_COARSE_POINTS)
        candidates = Candidates(poses, candidates.proposer)
    return keep_best(model, candidates, coarse, sigmas[-1], FINAL_KEEP, MOST_COARSE_POINTS)


def coarse_to_fine_views(model: MapModel, views: Candidates, frame: Frame) -> Candidates:
    """From stored views to the few best; a crowded frame is searched finely as well."""
    found = [coarse_to_fine(model, views, frame)]
    if frame.is_crowded:
        found.append(coarse_to_fine(model, views, frame, FROM_CROWDED_VIEWS))
    return Candidates.joined(found)


def perturb(model: MapModel, centre: Candidates, frame: Frame, seed: int) -> Candidates:
    """Candidates around one pose: half-way optima are left behind by trying."""
    offsets = torch.rand(PERTURBATIONS, 6, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    depths = offsets.new_tensor([model.depth] * 3 + [1.0] * 3)
    offsets = (offsets * offsets.new_tensor(PERTURBATION_REACH) * depths).to(frame.xy)
    stages = FROM_CROWDED_NEARBY if frame.is_crowded else FROM_NEARBY
    perturbed = centre.T_map_camera @ make_transform(so3_exp(offsets[:, 3:]), offsets[:, :3])
    return coarse_to_fine(model, Candidates.of(perturbed, centre.proposer[0]), frame, stages)


def polish(
    model: MapModel, candidates: Candidates, frame: Frame, start: float = FINAL_START
) -> Candidates:
    """The last stage of every candidate, whoever proposed it: down to the keypoints' own noise."""
    sigmas = [start * FINAL_FACTOR**i for i in range(20)]
    sigmas = [sigma for sigma in sigmas if sigma > frame.sigma] + [frame.sigma] * 2
    return Candidates(refine(model, candidates.T_map_camera, frame, sigmas), candidates.proposer)


def local_optimisation(
    model: MapModel, candidates: Candidates, frame: Frame, seed: int
) -> Candidates:
    """Candidates polished, and more from around the best of them as long as that gains."""
    if model.turns_only:
        return candidates  # which pairs of directions have found, they have found exactly
    candidates = polish(model, candidates, frame)
    best, worth = _leader(model, candidates, frame)
    for turn in range(MOST_ROUNDS):
        nearby = polish(model, perturb(model, best, frame, seed + turn), frame)
        candidates = Candidates.joined([candidates, nearby])
        best, found = _leader(model, nearby, frame)
        if found < WORTH_A_ROUND * worth:
            break
        worth = found
    return candidates


def _leader(model: MapModel, candidates: Candidates, frame: Frame) -> tuple[Candidates, float]:
    """The likeliest candidate, and its log-likelihood ratio."""
    score = evidence(model, candidates.T_map_camera, frame, frame.sigma)
    return candidates.select(score.argmax()[None]), float(score.max())


def keep_best(
    model: MapModel,
    candidates: Candidates,
    frame: Frame,
    sigma: float,
    keep: int,
    most_points: int = ALL,
) -> Candidates:
    """The `keep` likeliest candidates, the best first."""
    score = evidence(model, candidates.T_map_camera, frame, sigma, most_points)
    return candidates.select(score.topk(min(keep, len(score))).indices)
