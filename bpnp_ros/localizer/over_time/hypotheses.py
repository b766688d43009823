"""Where one frame is not enough: the likeliest poses are carried on until one of them is left.

Each is followed along the way that the camera went (`pursuit`). Here they are judged: by the views
before, by the present frame, and by what chance reaches.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.alike.counterparts import lead_by_own_landmarks
from bpnp_ros.localizer.alike.look_alikes import MOST_ALIASES, with_look_alikes
from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.localizer.evidence.covariance import information, occam_nats
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.gate import Gate, verify
from bpnp_ros.localizer.over_time.places import Places
from bpnp_ros.localizer.over_time.pursuit import GUESSED, HYPOTHESES, Pursuit
from bpnp_ros.localizer.over_time.step import Pose, Step
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.map_model import MapModel

LEAST_MATCH = 1.2  # in the frame: chance adds up along the way, too
LEAD = 2.0  # in odds of false_pose_rate, by landmarks that a place alone has
LUCK = 2.0  # times what a place explained before


class Hypotheses:
    """Poses that might be right, and the views that they are judged by; none at first."""

    def __init__(self, model: MapModel, config: LocalizerConfig) -> None:
        self._model, self._pursuit = model, Pursuit(model, config)
        self.forget()

    @property
    def config(self) -> LocalizerConfig:
        return self._pursuit.config

    @config.setter
    def config(self, config: LocalizerConfig) -> None:
        self._pursuit.config = config

    @property
    def odds(self) -> float:
        """By how many nats the last one must leave the others behind."""
        return self._pursuit.odds

    def forget(self) -> None:
        self._pursuit.forget()
        self._contradicted = 0

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
        if isinstance(answer, Fix) and self._pursuit.places is None:
            return answer
        new = self._pursuit.fresh(candidates, frame)
        step = self._pursuit.step(stamp, odometry)
        if step is None or self._pursuit.places is None:
            self._begin(new, frame, stamp, odometry)
            return answer
        old = self._pursuit.carried(self._pursuit.places, frame, stamp, odometry, step)
        if self._is_found_by_luck(old, new):
            self._begin(self._with_look_alikes(old, candidates, frame), frame, stamp, odometry)
            return answer
        if self._is_news(answer):
            old = old.joined(self._pursuit.looked_back(new, old))
        self._pursuit.places = places = self._pursuit.merged(old)
        answer = self._judged(places, new, answer, frame, step)
        if self._pursuit.freshness >= 1 or not self._pursuit.views:
            self._pursuit.remember(frame)
        return answer

    def _begin(self, places: Places, frame: Frame, stamp: float, odometry: Pose | None) -> None:
        self.forget()
        self._pursuit.begin(places, frame, stamp, odometry)

    def _is_news(self, answer: Fix | Rejection) -> bool:
        """Whether what was found for a frame is looked for in the views before, which takes long.

        In a map that hides points a pose is believed for its own frame's sake. A frame without
        one that was taken where the last view was says nothing new, unless its places are alike.
        """
        if isinstance(answer, Fix) or answer.category is Category.AMBIGUOUS:
            return True
        return self._model.is_open or self._pursuit.freshness >= 1

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
        return self._pursuit.fresh(Candidates.joined([candidates, alike]), frame)

    def _behind(self, places: Places, row: int) -> Tensor:
        """By how many nats all places (H,) are behind one of them.

        No view decides alone: what it says for one against another counts for half the odds at
        most, as it may be an accident that a model of independent keypoints does not know.
        """
        evidence, most = self._pursuit.evidence(places), self.odds / 2
        return self._pursuit.ahead(evidence[row], evidence).clamp(-most, most).sum(dim=1)

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
            return self._checked(places, answer, frame)
        rivals = behind[1:]
        if len(rivals) and float(rivals.neg().logsumexp(dim=0)) > -self.odds:
            left = 1 + int((rivals < self.odds).sum())
            return replace(answer, message=f"{answer.message}; {self._so_far(left)}")
        return self._verified(places, new, answer, frame, step)

    def _doubted(self, answer: Fix | Rejection, new: Places) -> Fix | Rejection:
        """The frame contradicts what was seen before; believed when it has often enough."""
        self._contradicted += 1
        if self._contradicted >= self.config.lost_after:
            self._contradicted = 0
            self._pursuit.begin_anew(new)
            return answer
        return Rejection(
            Category.AMBIGUOUS,
            f"this frame contradicts the views before it ({len(self._pursuit.views)}): another "
            f"place explains it better by more than {self.odds:.0f} nats",
        )

    def _checked(self, places: Places, fix: Fix, frame: Frame) -> Fix | Rejection:
        """A frame's own fix, unless the frames before it speak for another place."""
        pose = torch.from_numpy(fix.T_map_camera).clone()
        pose[:3, 3] -= torch.from_numpy(self._model.point_map.origin)
        distance, angle = apart(places.poses, pose.to(places.poses))
        row = int((distance / self._model.depth + angle).argmin())
        if not self._model.is_open and self._looks_alike(places, row, frame):
            return Rejection(
                Category.AMBIGUOUS,
                f"a place that the views before it ({len(self._pursuit.views)}) have shown "
                "explains the frame nearly as well",
            )
        rival = -float(self._behind(places, row).min())
        if rival <= self.odds:
            return fix
        return Rejection(
            Category.AMBIGUOUS,
            f"the pose is likely by itself, but the views before it ({len(self._pursuit.views)}) "
            f"speak for another place by {rival:.0f} nats",
        )

    def _looks_alike(self, places: Places, row: int, frame: Frame) -> bool:
        """Whether another place explains the present frame nearly as well as one of them, and no
        landmarks of that place alone are seen."""
        elsewhere = self._are_elsewhere(places.poses, places.poses[row])
        rivals = elsewhere & (places.now > (1 - GUESSED) * places.now[row])
        leads = (
            lead_by_own_landmarks(self._model, places.poses[row], pose, frame)
            for pose in places.poses[rivals]
        )
        return any(lead < LEAD * self.odds for lead in leads)

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
        total = float(self._pursuit.evidence(places)[0].sum())
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
        others = len(self._pursuit.views) - 1 + self._pursuit.freshness
        elsewhere = self._are_elsewhere(new.poses, pose)
        by_chance = float(new.now[elsewhere].max()) if elsewhere.any() else 0.0
        anywhere = max(by_chance, occam_nats(known, gate.before) + self.odds)
        return anywhere + others * occam_nats(known, on_the_way)

    def _so_far(self, left: int) -> str:
        places, views = "1 place is" if left == 1 else f"{left} places are", self._pursuit.views
        return f"{places} left after {'1 view' if len(views) == 1 else f'{len(views)} views'}"
