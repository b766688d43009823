"""Poses from minimal sets: every few keypoints against every few landmarks, none sampled.

For maps of few landmarks that all look alike. Up known: two points give a pose in closed form. A
rotation alone: two directions. Nothing known: three points. The measurement model ranks them all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.chart import PINHOLE
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.distinct import distinct
from bpnp_ros.localizer.descent.local_optimisation import polish
from bpnp_ros.localizer.descent.poses import evidence
from bpnp_ros.localizer.evidence.covariance import information, occam_nats
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import explained, predict
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.localizer.proposers.glance import glance
from bpnp_ros.localizer.proposers.keypoint_sets import some_keypoints, wide_sets
from bpnp_ros.localizer.proposers.near_triples import NearTriples
from bpnp_ros.localizer.proposers.proposer import Proposal
from bpnp_ros.localizer.proposers.solvers import Solver, make_solver
from bpnp_ros.map_model.map_model import MapModel

MOST_KEYPOINTS = 14  # of which minimal sets are made
FIRST_LOOK = 6  # sets of keypoints, before it is asked whether that is enough; then twice as many
EXPLAINED_SHARE = 0.7  # of the keypoints, with which it is enough
SURE = 10.0  # nats above what a pose owes for being one of many
GLANCED_AT = 512  # poses of a set that are looked at more closely
MOST_PROJECTED = 70_000_000  # landmarks in poses; each part of the problems may use its share
TRUE_SHARE, MISSED = 0.35, 1e-2  # of keypoints; probability that no set is of true ones alone
MOST_FOR_ALL = 200  # landmarks of which all sets are tried with enough sets of keypoints
KEPT, POLISHED = 512, 48
START = 0.025  # standard deviation with which poses are pulled onto the keypoints, on z = 1


class MinimalSets:
    """Enumerates minimal sets for maps in which nothing hides anything."""

    name = "minimal_sets"

    def __init__(self, model: MapModel, solver: Solver | None) -> None:
        """solver: of all sets; None: only of landmarks near each other."""
        self._model, self._solver = model, solver
        all_tried = solver is not None and solver.parts == 1 and len(model.points) <= MOST_FOR_ALL
        self._near = None if model.turns_only or all_tried else NearTriples(model)
        self._extent = 1.0 if model.turns_only else model.point_map.extent

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """Nothing takes long."""

    @torch.no_grad()
    def propose(self, frame: Frame) -> Proposal:
        """The best of all poses that a minimal set fixes, each pulled onto the keypoints."""
        return Proposal(self._best(frame))

    def _best(self, frame: Frame) -> Candidates:
        few = self._few(frame)
        best = _Best(frame.xy.new_zeros(0, 4, 4), frame.xy.new_zeros(0))
        for batches, sigma in self._searches(frame, few):
            look = FIRST_LOOK
            for sets, poses in enumerate(batches, start=1):
                best = best.joined(*self._promising(poses, few, sigma))
                if sets == look:
                    look *= 2
                    candidates = self._pulled(best, frame)
                    if self._is_enough(candidates, frame, few):
                        return candidates
            candidates = self._pulled(best, frame)
            if self._is_enough(candidates, frame, few):
                return candidates
        return candidates

    def _searches(self, frame: Frame, few: Frame) -> list[tuple[Iterator[Tensor], float]]:
        """Batches of poses and how far on the chart they may miss, the quicker searches first."""
        sigma, searches = 3 * frame.sigma, list[tuple[Iterator[Tensor], float]]()
        if self._solver is not None:
            loose = max(sigma, self._solver.slack)
            parts = range(self._solver.parts)
            searches = [(self._poses(self._solver, few, part), loose) for part in parts]
        if self._near is not None:
            searches.insert(1, (self._near.poses(frame), sigma))
        return searches

    def _few(self, frame: Frame) -> Frame:
        """What minimal sets are made of; at a fisheye's rim a landmark is far away, and its height
        above the camera, which fixes the distance, hardly shows."""
        if frame.frustum.chart == PINHOLE:
            return some_keypoints(frame, MOST_KEYPOINTS)
        return frame.innermost(MOST_KEYPOINTS)

    def _poses(self, solver: Solver, frame: Frame, part: int) -> Iterator[Tensor]:
        """Batches of poses (H, 4, 4), one for each set of keypoints."""
        bearings = frame.frustum.chart.bearings(frame.xy)
        projected = 0
        for rows in wide_sets(bearings, solver.size)[: _enough_sets(solver.size)]:
            poses = solver.poses(bearings, rows, frame.sigma, part)
            projected += len(poses) * len(self._model.points)
            yield poses[self._model.view_space.holds(poses)]
            if projected > MOST_PROJECTED / solver.parts:
                break

    def _promising(self, poses: Tensor, frame: Frame, sigma: float) -> tuple[Tensor, Tensor]:
        """The best of poses (H, 4, 4) and their scores; of many, those that a glance likes."""
        if len(poses) > GLANCED_AT:
            poses = poses[glance(self._model, poses, frame, sigma).topk(GLANCED_AT).indices]
        return poses, evidence(self._model, poses, frame, sigma)

    def _pulled(self, best: _Best, frame: Frame) -> Candidates:
        poses = best.poses[distinct(best.poses, 0.02 * self._extent, 0.05, POLISHED)]
        candidates = Candidates.of(poses, self.name)
        start = 3 * frame.sigma if self._model.turns_only else START
        return polish(self._model, candidates, frame, start) if len(poses) else candidates

    def _is_enough(self, candidates: Candidates, frame: Frame, few: Frame) -> bool:
        """Whether the best pose is likely beyond doubt and explains most of a few keypoints."""
        if not len(candidates):
            return False
        score = evidence(self._model, candidates.T_map_camera, frame, frame.sigma)
        pose = candidates.T_map_camera[score.argmax()[None]]
        seen = predict(self._model, pose, frame.frustum)
        owed = occam_nats(information(self._model, pose[0], frame), self._model.spread)
        share = (explained(seen, few, few.sigma)[0].sum(dim=1) > 1).float().mean()
        return bool(score.max() > owed + SURE and share > EXPLAINED_SHARE)


@dataclass(frozen=True, eq=False)
class _Best:
    """The best poses so far, (K, 4, 4) and their scores (K,), the best first."""

    poses: Tensor
    scores: Tensor

    def joined(self, poses: Tensor, scores: Tensor) -> _Best:
        scores, rows = torch.cat([self.scores, scores]).topk(
            min(KEPT, len(self.scores) + len(scores))
        )
        return _Best(torch.cat([self.poses, poses])[rows], scores)


def _enough_sets(size: int) -> int:
    """Sets of keypoints after which one would have been of true ones alone."""
    return math.ceil(math.log(MISSED) / math.log1p(-(TRUE_SHARE**size)))


def make_minimal_sets(model: MapModel) -> MinimalSets | None:
    """None for maps whose points hide others."""
    return MinimalSets(model, make_solver(model)) if model.is_open else None
