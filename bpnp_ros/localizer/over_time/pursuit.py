"""Places where a lost camera may be, followed from frame to frame along the way that it went.

Each is pulled onto the keypoints again. Frames that were taken from much the same place say much
the same, so only views count that lie a good part of a depth apart, and the present frame by how
far the camera has come since the last of them. Poses that a later frame proposes are followed back
through these views: all are judged by the same evidence.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.rotation import rotation_angle
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.distinct import distinct
from bpnp_ros.localizer.descent.local_optimisation import FINAL_START, polish
from bpnp_ros.localizer.descent.poses import evidence
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.over_time.places import Places, View, Way
from bpnp_ros.localizer.over_time.step import Pose, Step, lengths, moved_by, speed_of, twist
from bpnp_ros.map_model.map_model import MapModel

HYPOTHESES = "hypotheses"
A_VIEW = 0.25  # depths or radians of way that make a frame evidence of its own
MOST_VIEWS = 40  # a lattice with a gap in five tells its places apart in some twenty
MOST, MOST_NEW = 200, 64
HOPELESS = 6.0  # times the odds behind the best: not carried on
SAME_DEPTHS, SAME_RADIANS = 0.03, 0.05
GUESSED = 0.4  # of a place's nats, where points hide others
COARSEST = 0.08  # on the z = 1 plane, of the first look at where a pose was carried to
LONGEST_GUESS = 1.0  # seconds over which motion is guessed


class Pursuit:
    """The places that are left, and the views that they are judged by; none at first."""

    def __init__(self, model: MapModel, config: LocalizerConfig) -> None:
        self._model, self.config = model, config
        self.forget()

    @property
    def odds(self) -> float:
        """Nats, of a pose that is not wrong."""
        return -math.log(self.config.false_pose_rate)

    def forget(self) -> None:
        self.places: Places | None = None
        self.views: list[View] = []
        self._way: Way | None = None

    def fresh(self, candidates: Candidates, frame: Frame) -> Places:
        """The frame's own candidates, the best first, without a past."""
        poses = candidates.T_map_camera
        nats = evidence(self._model, poses, frame, frame.sigma)
        order = nats.argsort(descending=True)
        order = order[nats[order] > nats.max() - HOPELESS * self.odds]
        order = order[self._distinct(poses[order], MOST_NEW)]
        return Places(poses[order], nats[order], nats.new_zeros(len(order), 0))

    def begin(self, places: Places, frame: Frame, stamp: float, odometry: Pose | None) -> None:
        """With the first view of a way."""
        self.places, self.views = places, []
        self._way = Way(stamp, np.eye(4), odometry)
        self.remember(frame)

    def begin_anew(self, places: Places) -> None:
        """With other places, on the same way; what was seen before is forgotten."""
        self.places, self.views = places, []

    def step(self, stamp: float, odometry: Pose | None) -> Step | None:
        """How the camera has come since the last frame; None where nobody can tell."""
        way, depth = self._way, self._model.depth
        if way is None or stamp < way.stamp:
            return None
        elapsed = stamp - way.stamp
        seen = speed_of(way.velocity)
        told = Step.told(way.odometry, odometry, elapsed, depth, self.config, seen)
        if told is None and elapsed <= LONGEST_GUESS:
            return Step.guessed(way.velocity, elapsed, depth, self.config)
        return told

    def carried(
        self, places: Places, frame: Frame, stamp: float, odometry: Pose | None, step: Step
    ) -> Places:
        """The places in a new frame. The camera itself has come as the step says, or where nobody
        told that, as the likeliest of them."""
        poses, nats = self._fitted(step.carry(places.poses), frame, step)
        row = int((places.past.sum(dim=1) + nats).argmax())
        leader = moved_by(places.poses[row], poses[row])
        self._go_on(stamp, odometry, leader if step.is_guess else step.T_before_now)
        return Places(poses, nats, places.past)

    def _go_on(self, stamp: float, odometry: Pose | None, came: Pose) -> None:
        way = self._way
        assert way is not None
        elapsed = stamp - way.stamp
        velocity = twist(came) / elapsed if elapsed > 0 else None
        self._way = Way(stamp, way.T_start_camera @ came, odometry, velocity)

    def looked_back(self, new: Places, old: Places) -> Places:
        """With what the views before say for the new places; those that fall hopelessly behind the
        old ones on the way back are left out, as are those that are among them."""
        new = new.select(self._unlike(new.poses, old.poses))
        poses, now = new.poses, self._here
        for count, view in enumerate(reversed(self.views), start=1):
            T_view_now = np.linalg.inv(view.T_start_camera) @ now
            step = Step.reckoned(T_view_now, self._model.depth).back
            poses, nats = self._fitted(step.carry(poses), view.frame, step)
            new = replace(new, past=torch.cat([nats[:, None], new.past], dim=1))
            known = self.evidence(replace(old, past=old.past[:, -count:]))
            rows = self._hopeful(known[known.sum(dim=1).argmax()], self.evidence(new))
            new, poses, now = new.select(rows), poses[rows], view.T_start_camera
        return new

    def _unlike(self, poses: Tensor, others: Tensor) -> Tensor:
        """Rows of poses (P, 4, 4) that are none of others (H, 4, 4)."""
        metres = torch.cdist(poses[:, :3, 3], others[:, :3, 3])
        radians = rotation_angle(poses[:, None, :3, :3], others[None, :, :3, :3])
        same = (metres < SAME_DEPTHS * self._model.depth) & (radians < SAME_RADIANS)
        return (~same.any(dim=1)).nonzero()[:, 0]

    def _fitted(self, T_expected: Tensor, frame: Frame, step: Step) -> tuple[Tensor, Tensor]:
        """Poses (P, 4, 4) pulled onto a frame's keypoints, and how likely they are, nats (P,).

        At worst a pose explains nothing.
        """
        open_by = max(step.metres / self._model.depth, step.radians)
        start = min(max(open_by, FINAL_START), COARSEST)
        expected = Candidates.of(T_expected, HYPOTHESES)
        poses = polish(self._model, expected, frame, start).T_map_camera
        nats = evidence(self._model, poses, frame, frame.sigma) + step.nats(T_expected, poses)
        return poses, nats.clamp_min(len(frame.xy) * math.log(frame.clutter))

    def merged(self, places: Places) -> Places:
        """Each once, the likeliest first; those without hope are left out."""
        evidence = self.evidence(places)
        order = evidence.sum(dim=1).argsort(descending=True)
        hopeful = self._hopeful(evidence[order[0]], evidence[order])
        places = places.select(order[hopeful])
        return places.select(self._distinct(places.poses, MOST))

    def _hopeful(self, best: Tensor, evidence: Tensor) -> Tensor:
        """Rows of evidence (H, K + 1) that are not hopelessly behind that of the best (K + 1,)."""
        behind = self.ahead(best, evidence).sum(dim=1)
        return (behind < HOPELESS * self.odds).nonzero()[:, 0]

    def ahead(self, one: Tensor, others: Tensor) -> Tensor:
        """By how many nats each view speaks for one place (K + 1,) against others (H, K + 1).

        Where points hide others, what is in sight is guessed anew at places that look alike: a
        share of the nats says nothing, and does so in all views alike.
        """
        ahead = one - others
        if self._model.is_open:
            return ahead
        doubt = GUESSED * torch.maximum(one, others).clamp_min(0)
        return ahead.sign() * (ahead.abs() - doubt).clamp_min(0)

    def _distinct(self, poses: Tensor, most: int) -> Tensor:
        return distinct(poses, SAME_DEPTHS * self._model.depth, SAME_RADIANS, most)

    def evidence(self, places: Places) -> Tensor:
        """(H, K + 1) nats of the views, and of the present frame as far as it is news."""
        return torch.cat([places.past, self.freshness * places.now[:, None]], dim=1)

    def remember(self, frame: Frame) -> None:
        """The present frame becomes a view; the oldest is forgotten."""
        places = self.places
        assert places is not None
        past = torch.cat([places.past, places.now[:, None]], dim=1)[:, -MOST_VIEWS:]
        self.places = replace(places, past=past)
        self.views = [*self.views, View(frame, self._here)][-MOST_VIEWS:]

    @property
    def _here(self) -> Pose:
        assert self._way is not None
        return self._way.T_start_camera

    @property
    def freshness(self) -> float:
        """How much of the present frame is news: 1 when the camera has come far enough."""
        if not self.views:
            return 1.0
        way, turn = lengths(np.linalg.inv(self.views[-1].T_start_camera) @ self._here)
        return min((way / self._model.depth + turn) / A_VIEW, 1.0)
