"""Where one frame is not enough: the likeliest poses are carried on until one of them is left.

Each is followed from frame to frame along the way that the camera went, and pulled onto the
keypoints again. Frames that were taken from much the same place say much the same, so only views
count that lie a good part of a depth apart, and the present frame by how far the camera has come
since the last of them. Poses that a later frame proposes are followed back through these views: all
are judged by the same evidence.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.rotation import rotation_angle
from bpnp_ros.localizer.alike.look_alikes import MOST_ALIASES, with_look_alikes
from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.localizer.descent.distinct import distinct
from bpnp_ros.localizer.descent.poses import evidence
from bpnp_ros.localizer.evidence.covariance import information, occam_nats
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.gate import Gate, verify
from bpnp_ros.localizer.local_optimisation import FINAL_START, polish
from bpnp_ros.localizer.over_time.places import Places, View, Way
from bpnp_ros.localizer.over_time.step import Pose, Step, lengths, moved_by, speed_of, twist
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.map_model import MapModel

HYPOTHESES = "hypotheses"
A_VIEW = 0.25  # depths or radians of way that make a frame evidence of its own
MOST_VIEWS = 40  # a lattice with a gap in five tells its places apart in some twenty
MOST, MOST_NEW = 200, 64
HOPELESS = 6.0  # times the odds behind the best: not carried on
SAME_DEPTHS, SAME_RADIANS = 0.03, 0.05
COARSEST = 0.08  # on the z = 1 plane, of the first look at where a pose was carried to
LEAST_MATCH = 1.2  # in the frame: chance adds up along the way, too
LUCK = 2.0  # times what a place explained before
GUESSED = 0.4  # of a place's nats
LONGEST_GUESS = 1.0  # seconds over which motion is guessed


class Hypotheses:
    """Poses that might be right, and the views that they are judged by; none at first."""

    def __init__(self, model: MapModel, config: LocalizerConfig) -> None:
        self._model, self.config = model, config
        self.forget()

    def forget(self) -> None:
        self._places: Places | None = None
        self._views: list[View] = []
        self._way: Way | None = None
        self._contradicted = 0

    @property
    def odds(self) -> float:
        """By how many nats the last one must leave the others behind."""
        return -math.log(self.config.false_pose_rate)

    def weigh(
        self,
        answer: Fix | Rejection,
        candidates: Candidates,
        frame: Frame,
        stamp: float,
        odometry: Pose | None,
    ) -> Fix | Rejection:
        """What the frame's own answer becomes in the light of the frames before.

        candidates: all that was found for the frame. odometry: T_odom_camera (4, 4), if known.
        """
        if isinstance(answer, Fix) and self._places is None:
            return answer
        new = self._fresh(candidates, frame)
        step = self._step(stamp, odometry)
        if step is None or self._places is None:
            self._begin(new, frame, stamp, odometry)
            return answer
        old, leader = self._carried(self._places, frame, step)
        self._go_on(stamp, odometry, step, leader)
        if self._is_found_by_luck(old, new):
            self._begin(self._with_look_alikes(old, candidates, frame), frame, stamp, odometry)
            return answer
        if self._is_news(answer):
            old = old.joined(self._looked_back(new, old))
        self._places = places = self._merged(old)
        answer = self._judged(places, new, answer, frame, step)
        if self._freshness >= 1 or not self._views:
            self._remember(frame)
        return answer

    def _is_news(self, answer: Fix | Rejection) -> bool:
        """Whether what was found for a frame is looked for in the views before, which takes long.

        In a map that hides points a pose is believed for its own frame's sake. A frame without
        one that was taken where the last view was says nothing new, unless its places are alike.
        """
        if isinstance(answer, Fix) or answer.category is Category.AMBIGUOUS:
            return True
        return self._model.is_open or self._freshness >= 1

    def _fresh(self, candidates: Candidates, frame: Frame) -> Places:
        """The frame's own candidates, the best first, without a past."""
        poses = candidates.T_map_camera
        nats = evidence(self._model, poses, frame, frame.sigma)
        order = nats.argsort(descending=True)
        order = order[nats[order] > nats.max() - HOPELESS * self.odds]
        order = order[self._distinct(poses[order], MOST_NEW)]
        return Places(poses[order], nats[order], nats.new_zeros(len(order), 0))

    def _begin(self, places: Places, frame: Frame, stamp: float, odometry: Pose | None) -> None:
        self.forget()
        self._places, self._way = places, Way(stamp, np.eye(4), odometry)
        self._remember(frame)

    def _is_found_by_luck(self, old: Places, new: Places) -> bool:
        """Whether a place that explained little before explains a frame of which the search has
        missed it: then nobody has asked what looks like it, and its past is that of other poses."""
        row = int(old.now.argmax())
        now, before = float(old.now[row]), float(old.past[row].max())
        return now > max(float(new.now.max()) + self.odds, LUCK * before)

    def _with_look_alikes(self, old: Places, candidates: Candidates, frame: Frame) -> Places:
        """The frame's own candidates, and what looks like an old place that the search missed."""
        best = Candidates.of(old.poses[old.now.argmax()][None], HYPOTHESES)
        alike = with_look_alikes(self._model, best, frame, MOST_ALIASES)
        return self._fresh(Candidates.joined([candidates, alike]), frame)

    def _step(self, stamp: float, odometry: Pose | None) -> Step | None:
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

    def _carried(self, places: Places, frame: Frame, step: Step) -> tuple[Places, Pose]:
        """The places in the new frame; and how the likeliest of them has moved, (4, 4)."""
        poses, nats = self._fitted(step.carry(places.poses), frame, step)
        carried = Places(poses, nats, places.past)
        row = int((carried.past.sum(dim=1) + nats).argmax())
        return carried, moved_by(places.poses[row], poses[row])

    def _go_on(self, stamp: float, odometry: Pose | None, step: Step, leader: Pose) -> None:
        way = self._way
        assert way is not None
        elapsed = stamp - way.stamp
        came = leader if step.is_guess else step.T_before_now
        velocity = twist(came) / elapsed if elapsed > 0 else None
        self._way = Way(stamp, way.T_start_camera @ came, odometry, velocity)

    def _looked_back(self, new: Places, old: Places) -> Places:
        """With what the views before say for the new places; those that fall hopelessly behind the
        old ones on the way back are left out, as are those that are among them."""
        new = new.select(self._unlike(new.poses, old.poses))
        poses, now = new.poses, self._here
        for count, view in enumerate(reversed(self._views), start=1):
            T_view_now = np.linalg.inv(view.T_start_camera) @ now
            step = Step.reckoned(T_view_now, self._model.depth).back
            poses, nats = self._fitted(step.carry(poses), view.frame, step)
            new = replace(new, past=torch.cat([nats[:, None], new.past], dim=1))
            best = self._evidence(replace(old, past=old.past[:, -count:])).sum(dim=1).max()
            hopeful = self._evidence(new).sum(dim=1) > best - HOPELESS * self.odds
            new, poses, now = new.select(hopeful), poses[hopeful], view.T_start_camera
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

    def _merged(self, places: Places) -> Places:
        """Each once, the likeliest first; those without hope are left out."""
        total = self._evidence(places).sum(dim=1)
        order = total.argsort(descending=True)
        places, total = places.select(order), total[order]
        places = places.select((total > total[0] - HOPELESS * self.odds).nonzero()[:, 0])
        return places.select(self._distinct(places.poses, MOST))

    def _distinct(self, poses: Tensor, most: int) -> Tensor:
        return distinct(poses, SAME_DEPTHS * self._model.depth, SAME_RADIANS, most)

    def _evidence(self, places: Places) -> Tensor:
        """(H, K + 1) nats of the views, and of the present frame as far as it is news."""
        return torch.cat([places.past, self._freshness * places.now[:, None]], dim=1)

    def _behind(self, places: Places, row: int) -> Tensor:
        """By how many nats all places (H,) are behind one of them.

        No view decides alone: what it says for one against another counts for half the odds at
        most, as it may be an accident that a model of independent keypoints does not know. Where
        points hide others, what is in sight is guessed anew at places that look alike: a share of
        the nats says nothing, and does so in all views alike.
        """
        evidence = self._evidence(places)
        most, ahead = self.odds / 2, evidence[row] - evidence
        if not self._model.is_open:
            doubt = GUESSED * torch.maximum(evidence[row], evidence).clamp_min(0)
            ahead = ahead.sign() * (ahead.abs() - doubt).clamp_min(0)
        return ahead.clamp(-most, most).sum(dim=1)

    def _judged(
        self, places: Places, new: Places, answer: Fix | Rejection, frame: Frame, step: Step
    ) -> Fix | Rejection:
        """The place that is left, or how many there are. Starts anew where the past must be wrong.

        The present frame must not speak against the likeliest places: a camera may have been
        carried off meanwhile, or odometry may lie.
        """
        behind = self._behind(places, 0)
        best_now = max(float(places.now.max()), float(new.now.max()))
        if best_now - float(places.now[behind < self.odds].max()) > self.odds:
            return self._doubted(answer, new)
        self._contradicted = 0
        if isinstance(answer, Fix):
            return self._checked(places, answer)
        rivals = behind[1:]
        if len(rivals) and float(rivals.neg().logsumexp(dim=0)) > -self.odds:
            left = 1 + int((rivals < self.odds).sum())
            return replace(answer, message=f"{answer.message}; {self._so_far(left)}")
        return self._verified(places, new, answer, frame, step)

    def _doubted(self, answer: Fix | Rejection, new: Places) -> Fix | Rejection:
        """The frame contradicts what was seen before; believed when it has often enough."""
        self._contradicted += 1
        if self._contradicted >= self.config.lost_after:
            way = self._way
            self.forget()
            self._way, self._places = way, new
            return answer
        return Rejection(
            Category.AMBIGUOUS,
            f"this frame contradicts the views before it ({len(self._views)}): another place "
            f"explains it better by more than {self.odds:.0f} nats",
        )

    def _checked(self, places: Places, fix: Fix) -> Fix | Rejection:
        """A frame's own fix, unless the frames before it speak for another place."""
        pose = torch.from_numpy(fix.T_map_camera).clone()
        pose[:3, 3] -= torch.from_numpy(self._model.point_map.origin)
        distance, angle = apart(places.poses, pose.to(places.poses))
        row = int((distance / self._model.depth + angle).argmin())
        if not self._model.is_open and self._looks_alike(places, row):
            return Rejection(
                Category.AMBIGUOUS,
                f"a place that the views before it ({len(self._views)}) have shown explains the "
                "frame nearly as well",
            )
        rival = -float(self._behind(places, row).min())
        if rival <= self.odds:
            return fix
        return Rejection(
            Category.AMBIGUOUS,
            f"the pose is likely by itself, but the views before it ({len(self._views)}) "
            f"speak for another place by {rival:.0f} nats",
        )

    def _looks_alike(self, places: Places, row: int) -> bool:
        """Whether another place explains the present frame nearly as well as one of them."""
        elsewhere = self._are_elsewhere(places.poses, places.poses[row])
        return bool((elsewhere & (places.now > (1 - GUESSED) * places.now[row])).any())

    def _are_elsewhere(self, poses: Tensor, pose: Tensor) -> Tensor:
        """Which of poses (P, 4, 4) are as far from one (4, 4) as rivals are, (P,) bool."""
        far, turned = apart(poses, pose)
        distant = far > self.config.rival_distance * self._model.depth
        return distant | (turned > self.config.rival_angle)

    def _verified(
        self, places: Places, new: Places, answer: Rejection, frame: Frame, step: Step
    ) -> Fix | Rejection:
        """The last place as a fix, if it explains enough to be no accident."""
        best = Candidates.of(places.poses[:1], HYPOTHESES)
        total = float(self._evidence(places)[0].sum())
        least = self._least_nats(best.T_map_camera[0], new, frame, step)
        if total < least:
            so_far = f"{self._so_far(1)}, with {total:.0f} nats where {least:.0f} are asked for"
            return replace(answer, message=f"{answer.message}; {so_far}")
        # how far the frame alone may be from the pose: as for a camera that is followed
        gate = Gate.of_tracking(self._model, 0.0, (2 * step.metres, 2 * step.radians), self.config)
        gate = replace(gate, is_first=True, match=LEAST_MATCH)
        found = verify(self._model, best, frame, gate, self.config)
        if isinstance(found, Rejection):
            message = f"{self._so_far(1)}, but this frame does not show it: {found.message}"
            return replace(found, message=message)
        return replace(found, log_likelihood_ratio=total)

    def _least_nats(self, pose: Tensor, new: Places, frame: Frame, step: Step) -> float:
        """What chance reaches: anywhere in the map in one view, along the way in the others.

        new: what was found for the frame. Those elsewhere are what chance reaches in it.
        """
        gate = Gate.of_search(self._model, self.config)
        known = information(self._model, pose, frame)
        on_the_way = np.repeat([step.metres, step.radians], 3)
        others = len(self._views) - 1 + self._freshness
        elsewhere = self._are_elsewhere(new.poses, pose)
        by_chance = float(new.now[elsewhere].max()) if elsewhere.any() else 0.0
        anywhere = max(by_chance, occam_nats(known, gate.before) + self.odds)
        return anywhere + others * occam_nats(known, on_the_way)

    def _so_far(self, left: int) -> str:
        places = "1 place is" if left == 1 else f"{left} places are"
        views = "1 view" if len(self._views) == 1 else f"{len(self._views)} views"
        return f"{places} left after {views}"

    @property
    def _here(self) -> Pose:
        assert self._way is not None
        return self._way.T_start_camera

    @property
    def _freshness(self) -> float:
        """How much of the present frame is news: 1 when the camera has come far enough."""
        if not self._views:
            return 1.0
        way, turn = lengths(np.linalg.inv(self._views[-1].T_start_camera) @ self._here)
        return min((way / self._model.depth + turn) / A_VIEW, 1.0)

    def _remember(self, frame: Frame) -> None:
        """The present frame becomes a view; the oldest is forgotten."""
        places = self._places
        assert places is not None
        past = torch.cat([places.past, places.now[:, None]], dim=1)[:, -MOST_VIEWS:]
        self._places = replace(places, past=past)
        self._views = [*self._views, View(frame, self._here)][-MOST_VIEWS:]
