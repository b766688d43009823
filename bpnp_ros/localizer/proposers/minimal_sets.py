"""Poses from minimal sets: every few keypoints against every few landmarks, none sampled.

For maps of few landmarks that all look alike. Up known: two points give a pose in closed form. A
rotation alone: two directions. Nothing known: three points. The measurement model ranks them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.chart import PINHOLE
from bpnp_ros.localizer.candidates import Candidates, distinct
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.local_optimisation import polish
from bpnp_ros.localizer.measurement import explained, log_likelihood_ratio, project
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.localizer.proposers.solvers import Solver, make_solver
from bpnp_ros.map_model.map_model import MapModel

MOST_KEYPOINTS = 14  # of which minimal sets are made
MOST_SCORED = 400_000  # poses that the measurement model looks at
FEWEST_SETS = 4  # of keypoints, before an early end
SURPLUS, EXPLAINED_SHARE = 4, 0.6  # keypoints, besides the set's own, with which it is enough
GLANCE, GLANCED_AT = 6, 20_000  # keypoints of a glance, poses that are looked at more closely
MOST_SOLVED = 40_000_000  # minimal problems
KEPT, POLISHED = 512, 48
_CHUNK = 1 << 22  # point projections at once


class MinimalSets:
    """Enumerates minimal sets for maps in which nothing hides anything."""

    name = "minimal_sets"

    def __init__(self, model: MapModel, solver: Solver) -> None:
        self._model, self._solver = model, solver

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """Nothing takes long."""

    @torch.no_grad()
    def propose(self, frame: Frame) -> Candidates:
        """The best of all poses that a minimal set fixes, each pulled onto the keypoints."""
        sigma = max(3 * frame.sigma, self._solver.slack)
        few = self._few(frame)
        best = _Best(frame.xy.new_zeros(0, 4, 4), frame.xy.new_zeros(0))
        scored = 0
        for sets, poses in enumerate(self._poses(few), start=1):
            scored += len(poses)
            best = best.joined(*self._promising(poses, few, sigma))
            if scored > MOST_SCORED or (sets >= FEWEST_SETS and self._is_enough(best, few, sigma)):
                break
        poses = distinct(best.poses, 0.02 * self._solver.extent, 0.05, POLISHED)
        candidates = Candidates.of(poses, self.name)
        return polish(self._model, candidates, frame, start=sigma) if len(poses) else candidates

    def _few(self, frame: Frame) -> Frame:
        """What minimal sets are made of; at a fisheye's rim a landmark is far away, and its height
        above the camera, which fixes the distance, hardly shows."""
        if frame.frustum.chart == PINHOLE:
            return frame.at_most(MOST_KEYPOINTS)
        return frame.innermost(MOST_KEYPOINTS)

    def _poses(self, frame: Frame) -> Iterator[Tensor]:
        """Batches of poses (H, 4, 4), one for each set of keypoints, the widest sets first."""
        bearings = frame.frustum.chart.bearings(frame.xy)
        solved = 0
        for rows in _widest_first(bearings, self._solver.size):
            poses = self._solver.poses(bearings[list(rows)])
            solved += self._solver.problems
            yield poses[self._model.view_space.holds(poses)] if len(poses) else poses
            if solved > MOST_SOLVED:
                return

    def _promising(self, poses: Tensor, frame: Frame, sigma: float) -> tuple[Tensor, Tensor]:
        """The best of poses (H, 4, 4) and their scores; of many, those that a glance likes."""
        if len(poses) > GLANCED_AT:
            glance = self._scores(poses, frame.at_most(GLANCE), sigma)
            poses = poses[glance.topk(GLANCED_AT).indices]
        return poses, self._scores(poses, frame, sigma)

    def _is_enough(self, best: _Best, frame: Frame, sigma: float) -> bool:
        """Whether the best pose explains far more keypoints than those that it was made of."""
        if len(best.scores) == 0:
            return False
        seen = project(self._model, best.poses[:1], frame.frustum)
        count = int((explained(seen, frame, sigma)[0].sum(dim=1) > 1).sum())
        return count >= max(self._solver.size + SURPLUS, EXPLAINED_SHARE * len(frame.xy))

    def _scores(self, poses: Tensor, frame: Frame, sigma: float) -> Tensor:
        size = max(_CHUNK // max(len(self._model.points), 1), 1)
        parts = [
            log_likelihood_ratio(project(self._model, part, frame.frustum), frame, sigma)
            for part in poses.split(size)
        ]
        return torch.cat(parts) if parts else frame.xy.new_zeros(0)


def _widest_first(bearings: Tensor, size: int) -> list[tuple[int, ...]]:
    """Sets of `size` rows, those whose bearings are furthest apart first."""
    sets = list(combinations(range(len(bearings)), size))
    if not sets:
        return []
    rows = torch.tensor(sets)
    corners = bearings[rows]
    narrowest = torch.stack(
        [(corners[:, a] - corners[:, b]).norm(dim=1) for a, b in combinations(range(size), 2)]
    ).amin(dim=0)
    return [sets[row] for row in narrowest.argsort(descending=True).tolist()]


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


def make_minimal_sets(model: MapModel) -> MinimalSets | None:
    """None for maps whose motion or size no solver enumerates."""
    solver = make_solver(model)
    return None if solver is None else MinimalSets(model, solver)
