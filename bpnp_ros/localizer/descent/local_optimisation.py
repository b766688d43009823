"""Pull poses onto the keypoints: Gauss-Newton on soft assignments, from coarse to fine.

Coarse stages try many poses on few keypoints and the likeliest points, the last ones all there is.
"""

from __future__ import annotations

import torch

from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.moves import all_ways, sidesteps
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
FROM_CROWDED_PREDICTION: Stages = ((8, [0.04, 0.03]), (2, [0.02]))
FROM_CLIMBED_VIEWS: Stages = ((128, [0.04]), (48, [0.03, 0.02]), (24, [0.015, 0.01]))
FROM_BESIDE: Stages = ((48, [0.04]), (16, [0.03, 0.02]), (16, [0.015, 0.01]))
MOST_FINE = 256  # keypoints
PERTURBATIONS = 48
MOST_ROUNDS = 10
WORTH_A_ROUND = 1.02  # log-likelihood ratio, relative to what it was
ALL_WAYS_REACH = (0.12, 0.06, 0.12, 0.12, 0.15, 0.08)
SIDESTEPS_REACH = (0.15, 0.15, 0.08, 0.04, 0.04, 0.12)
FINAL_KEEP = 16
FINAL_START, FINE_START, ALIAS_START = 0.025, 0.008, 0.01
FINAL_FACTOR = 0.5
EQUAL_DIGITS = 2  # of nats: candidates that differ in those behind are equally good


def coarse_to_fine(
    model: MapModel, candidates: Candidates, frame: Frame, stages: Stages = FROM_VIEWS
) -> Candidates:
    """From many poses, some of them near the truth, to the few best, the best first."""
    return _staged(model, candidates, frame.coarse(), stages, MOST_COARSE_POINTS)


def all_points(model: MapModel, candidates: Candidates, frame: Frame, stages: Stages) -> Candidates:
    """As `coarse_to_fine`, for poses so near that more of the keypoints, and points that are
    seldom seen, say more than they confuse."""
    return _staged(model, candidates, frame.at_most(MOST_FINE), stages, ALL)


def _staged(
    model: MapModel, candidates: Candidates, frame: Frame, stages: Stages, most_points: int
) -> Candidates:
    for keep, sigmas in stages:
        if len(candidates) > keep:
            candidates = keep_best(model, candidates, frame, sigmas[0], keep, most_points)
        poses = refine(model, candidates.T_map_camera, frame, sigmas, most_points)
        candidates = candidates.at(poses)
    return keep_best(model, candidates, frame, sigmas[-1], FINAL_KEEP, most_points)


def coarse_to_fine_views(model: MapModel, views: Candidates, frame: Frame) -> Candidates:
    """From stored views to the few best; a crowded frame is searched finely as well. Views near
    photographs have climbed: they are near enough for all points."""
    if model.from_photographs:
        return all_points(model, views, frame, FROM_CLIMBED_VIEWS)
    found = [coarse_to_fine(model, views, frame)]
    if frame.is_crowded:
        found.append(coarse_to_fine(model, views, frame, FROM_CROWDED_VIEWS))
    return Candidates.joined(found)


def follow(model: MapModel, predictions: Candidates, frame: Frame) -> Candidates:
    """From where a camera that is followed may be to the few best."""
    stages = FROM_CROWDED_PREDICTION if frame.is_crowded else FROM_PREDICTION
    return coarse_to_fine(model, predictions, frame, stages)


def perturb(model: MapModel, centre: Candidates, frame: Frame, seed: int) -> Candidates:
    """Candidates around one pose: half-way optima are left behind by trying."""
    draw = torch.rand(PERTURBATIONS, 6, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    if model.from_photographs:
        moves = sidesteps(draw * draw.new_tensor(SIDESTEPS_REACH), model.depth)
    else:
        moves = all_ways(draw * draw.new_tensor(ALL_WAYS_REACH), model.depth)
    beside = Candidates.of(centre.T_map_camera @ moves.to(frame.xy), centre.proposer[0])
    if model.from_photographs:
        return all_points(model, beside, frame, FROM_BESIDE)
    stages = FROM_CROWDED_NEARBY if frame.is_crowded else FROM_NEARBY
    return coarse_to_fine(model, beside, frame, stages)


def polish(
    model: MapModel, candidates: Candidates, frame: Frame, start: float = FINAL_START
) -> Candidates:
    """The last stage of every candidate, whoever proposed it: down to the keypoints' own noise."""
    sigmas = [start * FINAL_FACTOR**i for i in range(20)]
    sigmas = [sigma for sigma in sigmas if sigma > frame.sigma] + [frame.sigma] * 2
    return candidates.at(refine(model, candidates.T_map_camera, frame, sigmas))


def local_optimisation(
    model: MapModel, candidates: Candidates, frame: Frame, seed: int
) -> Candidates:
    """Candidates polished, and more from around the best of them as long as that gains."""
    if model.turns_only:
        return candidates  # which pairs of directions have found, they have found exactly
    candidates = _polished(model, candidates, frame)
    best, worth = _leader(model, candidates, frame)
    for turn in range(MOST_ROUNDS):
        nearby = _polished(model, perturb(model, best, frame, seed + turn), frame)
        candidates = Candidates.joined([candidates, nearby])
        leader, found = _leader(model, nearby, frame)
        if found < WORTH_A_ROUND * worth:
            break
        best, worth = leader, found
    return candidates


def _polished(model: MapModel, candidates: Candidates, frame: Frame) -> Candidates:
    """Near photographs from a fine start as well: among many points the coarse one leads away from
    poses that are right."""
    polished = polish(model, candidates, frame)
    if not model.from_photographs:
        return polished
    return Candidates.joined([polished, polish(model, candidates, frame, FINE_START)])


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
    """The `keep` likeliest candidates, the best first; of equals those that came first."""
    score = evidence(model, candidates.T_map_camera, frame, sigma, most_points)
    order = score.round(decimals=EQUAL_DIGITS).argsort(descending=True, stable=True)
    return candidates.select(order[:keep])
