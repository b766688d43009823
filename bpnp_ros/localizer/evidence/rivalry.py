"""The candidates of one frame against each other: the winner, those like it, those elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.distinct import distinct
from bpnp_ros.localizer.descent.poses import evidence
from bpnp_ros.localizer.evidence.covariance import are_one_mode, twists_between
from bpnp_ros.localizer.evidence.listening import tell
from bpnp_ros.localizer.evidence.neighbourhood import around
from bpnp_ros.localizer.evidence.own_noise import with_own_noise
from bpnp_ros.localizer.evidence.shown_depth import shown_depth
from bpnp_ros.localizer.evidence.sight import Sight, sight
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]

MOST_COMPARED = 32
MOST_LEADERS = 4
LEADING = 0.5  # of the best's nats: places that are looked at more closely
MOST_TRIED = 3
CLEARLY = 1.0  # nats
LEADERS_APART = 3.0  # distances of rivals
AGAIN = 1e-3  # depths and radians: the same optimum, reached from elsewhere
ONE_MODE = 0.01  # depths and radians: leaders closer together are looked at once
ONE_PLACE = 0.6  # of that: poses closer together are one


@dataclass(frozen=True, eq=False)
class Rivalry:
    """T_map_camera: the winner (4, 4) in the recentred map, refined at the noise of `frame`.

    sight: what it shows of that. proposer: who proposed it first.
    others: (P, 4, 4), all that were compared. twists: (P, 6) to them from the winner, metres and
    radians. lost: (P,) nats by which they explain less.
    """

    T_map_camera: Tensor
    sight: Sight
    frame: Frame
    proposer: str
    others: Tensor
    twists: Array
    lost: Array

    def depth(self, model: MapModel) -> float:
        """The length that poses are told apart by, metres: that of what the winner shows."""
        return shown_depth(model, self.T_map_camera, self.sight.pairs[1])

    def are_elsewhere(self, covariance: Array, metres: float, radians: float) -> NDArray[np.bool_]:
        """Which (P,) are poses of their own: far off, also in standard deviations of the winner."""
        near = _within(self.twists, metres, radians)
        return ~near & ~are_one_mode(self.twists, covariance)

    def rival(self, model: MapModel, rows: NDArray[np.bool_]) -> tuple[float, float]:
        """Of the best of some: its log-likelihood ratio, and the sum over keypoints of the squared
        nats by which it differs from the winner; 0 where there is none."""
        if not rows.any():
            return 0.0, 0.0
        best = int(np.where(rows, self.lost, np.inf).argmin())
        other = sight(model, self.others[best], self.frame).keypoint_nats
        contested = float(np.square(self.sight.keypoint_nats - other).sum())
        return self.sight.nats - float(self.lost[best]), contested


def compete(
    model: MapModel,
    candidates: Candidates,
    frame: Frame,
    config: LocalizerConfig,
    closely: bool = True,
) -> Rivalry:
    """Every candidate takes part, wherever it is. closely: those that lead are tried around."""
    metres, radians = config.rival_distance * model.depth, config.rival_angle
    best, leading = _best(model, candidates, frame)
    others = candidates.select(best)
    if closely:
        apart = (LEADERS_APART * metres, LEADERS_APART * radians)
        leaders = leading.select(distinct(leading.T_map_camera, *apart, MOST_LEADERS))
        others = Candidates.joined([others, around(model, leaders, frame)])
    few = MOST_LEADERS if closely and model.is_open else 1
    T_winner, own, score = _winner(model, others, frame, few)
    shown = sight(model, T_winner, own)
    tell(others, score)
    twists = twists_between(T_winner, others.T_map_camera)
    # the first of the equals was proposed by the proposer that was asked first
    to_all = twists_between(T_winner, candidates.T_map_camera)
    same = _within(to_all, ONE_PLACE * metres, ONE_PLACE * radians)
    first = int(same.argmax()) if same.any() else int(best[0])
    lost = shown.nats - score.double().numpy(force=True)
    proposer = candidates.proposer[first]
    return Rivalry(T_winner, shown, own, proposer, others.T_map_camera, twists, lost)


def _best(model: MapModel, candidates: Candidates, frame: Frame) -> tuple[Tensor, Candidates]:
    """Rows of those that are compared, the best first, and all that lead, the best first.

    What was found again and again is compared once: it would leave no room for what lies elsewhere.
    """
    score, order = evidence(model, candidates.T_map_camera, frame, frame.sigma).sort(
        descending=True, stable=True
    )
    again = (AGAIN * model.depth, AGAIN)
    best = order[distinct(candidates.T_map_camera[order], *again, MOST_COMPARED)]
    return best, candidates.select(order[score >= LEADING * score[0]])


def _winner(
    model: MapModel, others: Candidates, frame: Frame, leaders: int
) -> tuple[Tensor, Frame, Tensor]:
    """The likeliest (4, 4) at its own noise, the frame with that, all scores at that.

    leaders: so many are looked at with the noise that each of them shows: of few keypoints that are
    more exact than expected, a pose that is right stands out by that alone.
    """
    poses = others.T_map_camera
    row = _likeliest_at_its_noise(model, poses, frame, leaders)
    for _ in range(MOST_TRIED):
        T, own = with_own_noise(model, poses[row], frame)
        score = evidence(model, poses, own, own.sigma)
        if score.argmax() == row or score.max() < score[row] + CLEARLY:
            break
        row = score.argmax()[None]
    return T[0], own, score


def _likeliest_at_its_noise(model: MapModel, poses: Tensor, frame: Frame, leaders: int) -> Tensor:
    """Row (1,) of the likeliest of the best few poses (P, 4, 4)."""
    if leaders == 1:
        return torch.zeros(1, dtype=torch.long, device=poses.device)
    order = evidence(model, poses, frame, frame.sigma).argsort(descending=True)
    apart = (ONE_MODE * model.depth, ONE_MODE)
    rows = order[distinct(poses[order], *apart, leaders)]
    nats = list[float]()
    for row in rows[:, None]:
        T, own = with_own_noise(model, poses[row], frame)
        nats.append(float(evidence(model, T, own, own.sigma)))
    return rows[int(np.argmax(nats))][None]


def _within(twists: Array, metres: float, radians: float) -> NDArray[np.bool_]:
    return _lengths(twists[:, :3], metres) & _lengths(twists[:, 3:], radians)


def _lengths(vectors: Array, most: float) -> NDArray[np.bool_]:
    within: NDArray[np.bool_] = np.linalg.norm(vectors, axis=1) <= most
    return within
