"""The candidates of one frame against each other: the winner, those like it, those elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.covariance import twists_between
from bpnp_ros.localizer.descent.poses import evidence
from bpnp_ros.localizer.evidence.own_noise import with_own_noise
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.listening import tell
from bpnp_ros.localizer.measurement import Prediction, predict
from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]

MOST_COMPARED = 32
MOST_TRIED = 3
CLEARLY = 1.0  # nats
ONE_PLACE = 0.2  # of the distance of rivals: poses closer together are one


@dataclass(frozen=True, eq=False)
class Rivalry:
    """T_map_camera: the winner (4, 4) in the recentred map, refined at the noise of `frame`.

    seen: what it sees. proposer: who proposed it first. nats: its log-likelihood ratio.
    elsewhere: those of poses that are not near it, one a place, the best first.
    near: (P, 6) from the winner to candidates nearby, metres and radians; lost: (P,) nats by which
    they explain less.
    """

    T_map_camera: Tensor
    seen: Prediction
    frame: Frame
    proposer: str
    nats: float
    elsewhere: list[float]
    near: Array
    lost: Array


def compete(
    model: MapModel, candidates: Candidates, frame: Frame, config: LocalizerConfig
) -> Rivalry:
    """Every candidate takes part, wherever it is."""
    score = evidence(model, candidates.T_map_camera, frame, frame.sigma)
    best = score.topk(min(MOST_COMPARED, len(score))).indices
    others = candidates.select(best)
    T_winner, seen, own, score = _winner(model, others, frame)
    nats = float(evidence(model, T_winner, own, own.sigma)[0])
    tell(others, score)
    twists = twists_between(T_winner[0], others.T_map_camera)
    metres, radians = config.rival_distance * model.depth, config.rival_angle
    here = _within(twists, metres, radians)
    # the first of the equals was proposed by the proposer that was asked first
    same = best.numpy(force=True)[_within(twists, ONE_PLACE * metres, ONE_PLACE * radians)]
    proposer = candidates.proposer[same.min() if len(same) else int(best[0])]
    scores = score.double().numpy(force=True)
    elsewhere = _by_place(twists[~here], scores[~here], ONE_PLACE * metres, ONE_PLACE * radians)
    return Rivalry(
        T_winner[0], seen, own, proposer, nats, elsewhere, twists[here], nats - scores[here]
    )


def _winner(
    model: MapModel, others: Candidates, frame: Frame
) -> tuple[Tensor, Prediction, Frame, Tensor]:
    """The likeliest at its own noise, what it sees, the frame's noise there, all scores at that."""
    poses = others.T_map_camera
    row = torch.zeros(1, dtype=torch.long, device=poses.device)
    for _ in range(MOST_TRIED):
        T, own = with_own_noise(model, poses[row], frame)
        score = evidence(model, poses, own, own.sigma)
        if score.argmax() == row or score.max() < score[row] + CLEARLY:
            break
        row = score.argmax()[None]
    return T, predict(model, T, frame.frustum), own, score


def _within(twists: Array, metres: float, radians: float) -> NDArray[np.bool_]:
    return _lengths(twists[:, :3], metres) & _lengths(twists[:, 3:], radians)


def _lengths(vectors: Array, most: float) -> NDArray[np.bool_]:
    within: NDArray[np.bool_] = np.linalg.norm(vectors, axis=1) <= most
    return within


def _by_place(twists: Array, scores: Array, metres: float, radians: float) -> list[float]:
    """The best score of every place among poses (P, 6), the best first."""
    best = list[float]()
    while len(scores):
        top = scores.argmax()
        best.append(float(scores[top]))
        rest = ~_within(twists - twists[top], metres, radians)
        rest[top] = False
        twists, scores = twists[rest], scores[rest]
    return best
