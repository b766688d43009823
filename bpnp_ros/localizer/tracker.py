"""Following a camera from frame to frame: predict, refine, verify; and look around now and then.

What is looked for near the last pose is found there, also when the camera is elsewhere. So poses
around the prediction and those in parts of the map that look alike are compared with it, in nats:
when a frame is explained less well than those before or from an unexpected pose, and anyway: soon
after a first fix, then ever more rarely. Where there is time, what a search of the whole map finds
is compared, too. Where odometry tells the way, the camera is looked for there first: among lamps
that repeat, a step by evidence alone leads to several places.

After a gap nobody knows how the camera has turned meanwhile: it is looked for with the care of a
first fix, and in the whole map where that fails.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.alike.look_alikes import with_look_alikes
from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.localizer.descent.local_optimisation import (
    FINE_START,
    follow,
    local_optimisation,
    perturb,
    polish,
)
from bpnp_ros.localizer.descent.poses import evidence
from bpnp_ros.localizer.evidence.rivalry import LEADERS_APART
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.gate import Gate, verify
from bpnp_ros.localizer.over_time.step import Pose, Step
from bpnp_ros.localizer.over_time.track import Track
from bpnp_ros.localizer.stage import stage
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.map_model import MapModel

TRACKER = "tracker"
SURPRISING = 4.0  # times as far from the prediction as the fixes before
RAREST = 30  # frames from one look around to the next, at most
MOST_ALIKE = 64
# in odds of false_pose_rate: lead on a rival that can be reached; lead of a place that cannot be,
# with which a frame has no pose, and, summed over looks, that ends tracking; what each look adds at
# most, and what chance gives it
LEAD, MOST_BEHIND, MOST_SUSPICION, MOST_AT_ONCE, BY_CHANCE = 2.0, 0.25, 4.0, 2.0, 0.5


class Tracker:
    """Knows where the camera was; lost before the first fix, and after some frames without."""

    def __init__(self, model: MapModel, config: LocalizerConfig) -> None:
        self._model, self.config = model, config
        self.forget()

    @property
    def is_following(self) -> bool:
        return self._track.last is not None

    @property
    def has_lost(self) -> bool:
        patience = 1 if self._is_vague else self.config.lost_after
        return self._track.misses >= patience or self._is_suspicious

    def can_follow(self, stamp: float, odometry: Pose | None) -> bool:
        """Whether the camera can be looked for near where it was last."""
        return not self._is_suspicious and self._track.leads_to(stamp, odometry, self.config)

    def forget(self) -> None:
        self._track = Track(self._model.depth)
        self._since_look, self._interval = 0, 1  # frames
        self._suspicion = 0.0  # nats
        self._is_vague = False
        self.seen: Frame | None = None
        """What the camera saw at its last fix."""

    def follow(self, fix: Fix, frame: Frame, stamp: float, odometry: Pose | None = None) -> None:
        """Take in a fix, whoever found it. odometry: T_odom_camera (4, 4), if known."""
        self._track.follow(self._recentred(fix), stamp, fix, len(frame.xy), odometry)
        self.seen = frame

    def compare(self, candidates: Candidates) -> None:
        """Take in what a search of the whole map has found for the frame last seen."""
        frame, poses = self.seen, candidates.T_map_camera
        assert frame is not None
        poses = torch.cat([self._last(poses), poses])
        nats = evidence(self._model, poses, frame, frame.sigma)
        here = self._near(poses, poses[0])
        if not here.all():
            self._suspect(float(nats[~here].max() - nats[here].max()))

    def step(
        self, frame: Frame, stamp: float, timings: dict[str, float], odometry: Pose | None = None
    ) -> Fix | Rejection:
        """The pose near where the camera should be now, or why there is none."""
        with stage(timings, "track"):
            answer = self._near_prediction(frame, stamp, odometry)
        if isinstance(answer, Fix):
            self.follow(answer, frame, stamp, odometry)
        else:
            self._track.misses += 1
        return answer

    def _near_prediction(
        self, frame: Frame, stamp: float, odometry: Pose | None
    ) -> Fix | Rejection:
        config, track = self.config, self._track
        step = track.step(stamp, odometry, config)
        reach = track.reach(stamp, step, config)
        self._is_vague = track.is_vague(step)
        usual = min(track.share * len(frame.xy), track.inliers)  # clutter adds none
        gate = Gate.of_tracking(self._model, usual, reach, config, self._is_vague)
        starts = Candidates.of(track.predictions(stamp, step, frame.xy), TRACKER)
        expected = starts if step.is_guess else starts.select(torch.tensor([len(starts) - 1]))
        candidates = self._refined(expected, frame)
        answer = self._nearest(candidates, frame, gate, reach)
        self._since_look += 1
        if self._is_doubtful(answer, frame, stamp, step):
            self._since_look, self._interval = 0, min(2 * self._interval, RAREST)
            others = [] if step.is_guess else [self._refined(starts, frame)]
            found = Candidates.joined([candidates, *others])
            candidates = self._looked_around(found, expected.select(torch.tensor([0])), frame)
            answer = self._nearest(candidates, frame, replace(gate, closely=True), reach)
            if isinstance(answer, Fix):
                answer = self._compared(answer, candidates, frame, reach, step)
        return answer

    def _refined(self, starts: Candidates, frame: Frame) -> Candidates:
        """Starts pulled onto the keypoints; from vague ones as carefully as in a search.

        The first also by fine steps alone: coarse ones may lead away from where it is right.
        """
        candidates = follow(self._model, starts, frame)
        if self._is_vague:
            return local_optimisation(self._model, candidates, frame, self.config.seed)
        finely = polish(self._model, starts.select(torch.tensor([0])), frame, FINE_START)
        return Candidates.joined([polish(self._model, candidates, frame), finely])

    def _nearest(
        self, candidates: Candidates, frame: Frame, gate: Gate, reach: tuple[float, float]
    ) -> Fix | Rejection:
        """The likeliest of those that the camera can have come to."""
        near = self._within(candidates, reach).nonzero()[:, 0]
        if len(near):
            answer = verify(self._model, candidates.select(near), frame, gate, self.config)
            if len(near) == len(candidates) or isinstance(answer, Fix):
                return answer
        anywhere = verify(self._model, candidates, frame, gate, self.config)
        if len(near) and isinstance(anywhere, Rejection):
            return answer
        return Rejection(
            Category.NOT_VERIFIED,
            "the pose is further from the last one than the camera can have come",
        )

    def _is_doubtful(self, answer: Fix | Rejection, frame: Frame, stamp: float, step: Step) -> bool:
        if isinstance(answer, Rejection) or self._suspicion > 0 or self._is_vague:
            return True
        track, pose = self._track, self._recentred(answer)
        surprised = track.surprise_of(pose, stamp) > SURPRISING * track.surprise
        is_due = self._since_look >= self._interval
        fell = track.fell(answer, len(frame.xy))
        return fell or surprised or is_due or self._is_news(pose, step)

    def _is_news(self, pose: Pose, step: Step) -> bool:
        """Whether a pose is not where odometry leads."""
        if step.is_guess:
            return False
        found = torch.from_numpy(pose)[None]
        return float(step.nats(step.carry(self._last(found)), found)) < -self._odds

    def _looked_around(self, found: Candidates, ahead: Candidates, frame: Frame) -> Candidates:
        """Joined by poses around a prediction, and by those elsewhere that see the same as the
        best of all."""
        nearby = perturb(self._model, ahead, frame, self.config.seed)
        found = Candidates.joined([found, polish(self._model, nearby, frame)])
        return with_look_alikes(self._model, found, frame, MOST_ALIKE)

    def _compared(
        self,
        fix: Fix,
        candidates: Candidates,
        frame: Frame,
        reach: tuple[float, float],
        step: Step,
    ) -> Fix | Rejection:
        """The fix, unless another pose may be right as well, or has been the better one for long.

        Where the camera can have come to, how it moved speaks too.
        """
        poses = candidates.T_map_camera
        nats = evidence(self._model, poses, frame, frame.sigma)
        near = self._within(candidates, reach)
        here = self._near(poses, torch.from_numpy(self._recentred(fix)).to(poses))
        own = _best(nats, near & here)
        elsewhere = _best(nats, ~near) - own
        self._suspect(elsewhere)
        if self._is_suspicious:
            return Rejection(
                Category.AMBIGUOUS,
                f"another place explains the frames better by {self._suspicion:.0f} nats; the "
                "camera is looked for anew",
            )
        if elsewhere > MOST_BEHIND * self._odds:
            return Rejection(
                Category.AMBIGUOUS,
                "a place that the camera cannot have come to explains the frame better by "
                f"{elsewhere:.0f} nats",
            )
        with_motion = nats + step.nats(step.carry(self._last(poses)), poses)
        lead = _best(with_motion, near & here) - _best(with_motion, near & ~here)
        if lead < LEAD * self._odds:
            return Rejection(
                Category.AMBIGUOUS,
                f"the camera may have come to another place as well, which is behind by {lead:.0f} "
                f"nats where {LEAD * self._odds:.0f} are asked for",
            )
        return fix

    def _suspect(self, lead: float) -> None:
        """Take in by how many nats a place out of reach is ahead: a cumulative sum."""
        lead = min(max(lead, 0.0), MOST_AT_ONCE * self._odds)
        self._suspicion = max(self._suspicion + lead - BY_CHANCE * self._odds, 0.0)

    @property
    def _is_suspicious(self) -> bool:
        return self._suspicion > MOST_SUSPICION * self._odds

    @property
    def _odds(self) -> float:
        return -math.log(self.config.false_pose_rate)

    def _within(self, candidates: Candidates, reach: tuple[float, float]) -> Tensor:
        """Which candidates (P,) the camera can have come to."""
        poses = candidates.T_map_camera
        metres, radians = apart(poses, self._last(poses)[0])
        return (metres <= reach[0]) & (radians <= reach[1])

    def _near(self, poses: Tensor, pose: Tensor) -> Tensor:
        """Which poses (P, 4, 4) are no rivals of one (4, 4)."""
        far, turned = apart(poses, pose)
        # what is nearer the gate has compared
        metres = LEADERS_APART * self.config.rival_distance * self._model.depth
        return (far <= metres) & (turned <= LEADERS_APART * self.config.rival_angle)

    def _last(self, like: Tensor) -> Tensor:
        """The last pose (1, 4, 4)."""
        assert self._track.last is not None
        return torch.from_numpy(self._track.last).to(like)[None]

    def _recentred(self, fix: Fix) -> Pose:
        pose = fix.T_map_camera.copy()
        pose[:3, 3] -= self._model.point_map.origin
        return pose


def _best(nats: Tensor, rows: Tensor) -> float:
    """The most of some rows; minus infinity of none."""
    return float(nats[rows].max()) if rows.any() else -math.inf
