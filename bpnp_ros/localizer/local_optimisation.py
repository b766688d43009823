"""Pull poses onto the keypoints: Gauss-Newton on soft assignments, from coarse to fine.

Expectation: each keypoint is shared out among the predicted points and clutter by the measurement
model. Maximisation: one damped Gauss-Newton step on the weighted reprojection errors. All poses of
a batch move independently.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import (
    Prediction,
    assignment,
    log_likelihood_ratio,
    predict,
)
from bpnp_ros.map_model.map_model import MapModel

LONGEST_STEP = 0.5
LEAST_TILT = 1e-3  # radians that no mounting is better than
FIXED = 1e12  # information that lets nothing move
STEPS_A_LOOK = 4

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


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """H (P, 6, 6) and g (P, 6) of the weighted reprojection error, in units of 1 / sigma^2.

    Order (v, w): translation and rotation of the camera in its own frame.
    """

    H: Tensor
    g: Tensor

    def plus(self, other: NormalEquations) -> NormalEquations:
        return NormalEquations(self.H + other.H, self.g + other.g)


def refine(model: MapModel, T_map_camera: Tensor, frame: Frame, sigmas: list[float]) -> Tensor:
    """One Gauss-Newton step for each of `sigmas` (z = 1 plane) from poses (P, 4, 4).

    Which points are in view is looked up anew every STEPS_A_LOOK steps.
    """
    for first in range(0, len(sigmas), STEPS_A_LOOK):
        seen = predict(model, T_map_camera, frame.frustum)
        some = sigmas[first : first + STEPS_A_LOOK]
        T_map_camera = _descend(model, T_map_camera, seen, frame, some)
    return T_map_camera


def _descend(
    model: MapModel, T_map_camera: Tensor, seen: Prediction, frame: Frame, sigmas: list[float]
) -> Tensor:
    for sigma in sigmas:
        share = assignment(seen, frame, sigma)
        T_map_camera, seen = gauss_newton(model, T_map_camera, seen, frame, sigma, share)
    return T_map_camera


def gauss_newton(
    model: MapModel,
    T_map_camera: Tensor,
    seen: Prediction,
    frame: Frame,
    sigma: float,
    share: Tensor,
) -> tuple[Tensor, Prediction]:
    """Poses (P, 4, 4) after one step on assignments (P, M, K), and what they see."""
    normal = normal_equations(seen, frame, sigma, share)
    if model.is_open:
        normal = normal.plus(motion_information(model, T_map_camera))
    step = _step(normal, model.turns_only)
    return T_map_camera @ step, seen.moved(step)


def coarse_to_fine(
    model: MapModel, candidates: Candidates, frame: Frame, stages: Stages = FROM_VIEWS
) -> Candidates:
    """From many poses, some of them near the truth, to the few best, the best first."""
    coarse = frame.coarse()
    for keep, sigmas in stages:
        seen = predict(model, candidates.T_map_camera, frame.frustum)
        best = _best_rows(seen, coarse, sigmas[0], keep)
        candidates = candidates.select(best)
        near = seen.select(best)
        refined = _descend(model, candidates.T_map_camera, near, coarse, sigmas)
        candidates = Candidates(refined, candidates.proposer)
    return keep_best(model, candidates, coarse, stages[-1][1][-1], FINAL_KEEP)


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
    score = log_likelihood_ratio(
        predict(model, candidates.T_map_camera, frame.frustum), frame, frame.sigma
    )
    return candidates.select(score.argmax()[None]), float(score.max())


def keep_best(
    model: MapModel, candidates: Candidates, frame: Frame, sigma: float, keep: int
) -> Candidates:
    """The `keep` likeliest candidates, the best first."""
    seen = predict(model, candidates.T_map_camera, frame.frustum)
    return candidates.select(_best_rows(seen, frame, sigma, keep))


def _best_rows(seen: Prediction, frame: Frame, sigma: float, keep: int) -> Tensor:
    score = log_likelihood_ratio(seen, frame, sigma)
    return score.topk(min(keep, len(score))).indices


def normal_equations(
    prediction: Prediction, frame: Frame, sigma: float, share: Tensor
) -> NormalEquations:
    """Gauss-Newton system of soft assignments (P, M, K) at each pose."""
    mass = share.sum(dim=1)
    pull = share.transpose(1, 2) @ frame.xy - mass[..., None] * prediction.xy
    J = prediction.chart.jacobian(prediction.in_camera).flatten(1, 2)
    weighted = J * mass.repeat_interleave(2, dim=1)[..., None]
    H = weighted.transpose(1, 2) @ J
    g = (J.transpose(1, 2) @ pull.flatten(1)[..., None])[..., 0]
    return NormalEquations(H / sigma**2, g / sigma**2)


def motion_information(model: MapModel, T_map_camera: Tensor) -> NormalEquations:
    """What is known of poses (P, 4, 4) beforehand: where up is in the camera, and its height.

    Few landmarks leave tilt and height open; a robot on a floor knows them.
    """
    motion, P = model.view_space.held, len(T_map_camera)
    H, g = T_map_camera.new_zeros(P, 6, 6), T_map_camera.new_zeros(P, 6)
    if not motion.knows_up:
        return NormalEquations(H, g)
    up, held = (torch.from_numpy(v).to(H) for v in (motion.up, motion.up_in_camera))
    seen_up = T_map_camera[:, :3, :3].transpose(1, 2) @ up
    across = torch.eye(3).to(H) - seen_up[:, :, None] * seen_up[:, None]
    tilt = max(motion.tilt, LEAST_TILT) / 3**0.5
    H[:, 3:, 3:] = across / tilt**2
    g[:, 3:] = torch.linalg.cross(held.expand_as(seen_up), seen_up) / tilt**2
    low, high = model.heights
    sigma = max((high - low) / 12**0.5, 1e-3 * model.depth)
    error = 0.5 * (low + high) - T_map_camera[:, :3, 3] @ up
    H[:, :3, :3] = seen_up[:, :, None] * seen_up[:, None] / sigma**2
    g[:, :3] = seen_up * error[:, None] / sigma**2
    return NormalEquations(H, g)


def _step(normal: NormalEquations, turns_only: bool) -> Tensor:
    """The damped step as transforms (P, 4, 4), its length bounded; or a turn alone."""
    damping = 1e-3 * normal.H.diagonal(dim1=-2, dim2=-1) + 1.0
    if turns_only:
        damping[:, :3] = FIXED
    step = torch.linalg.solve(normal.H + torch.diag_embed(damping), normal.g)
    step[:, :3] *= not turns_only
    step = step * (LONGEST_STEP / step.norm(dim=1, keepdim=True).clamp_min(LONGEST_STEP))
    return make_transform(so3_exp(step[:, 3:]), step[:, :3])
