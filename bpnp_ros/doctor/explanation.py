"""One frame of a bag explained: what was seen, which poses were compared, why none was taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.doctor.finding import REMEDIES
from bpnp_ros.errors import BagError
from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.localizer.evidence.listening import listening
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.types import Fix
from bpnp_ros.replay.player import Played, Player

Array = NDArray[np.float64]

MOST_POSES = 4


@dataclass(frozen=True, eq=False)
class ComparedPose:
    """A pose that the gate looked at: T_map_camera (4, 4), its worth in nats, who proposed it."""

    T_map_camera: Array
    nats: float
    proposer: str


@dataclass(frozen=True, eq=False)
class Explanation:
    """poses: the best of each place, the best first."""

    message: int
    played: Played
    poses: list[ComparedPose]

    def lines(self) -> list[str]:
        """The frame in words."""
        played, answer = self.played, self.played.answer
        usable = 0 if played.keypoints is None else len(played.keypoints)
        lines = [f"message {self.message}, stamp {played.stamp_ns / 1e9:.3f} s: {usable} keypoints"]
        for rank, pose in enumerate(self.poses, start=1):
            place = ", ".join(f"{value:.2f}" for value in pose.T_map_camera[:3, 3])
            lines.append(f"{rank}. {pose.nats:.0f} nats at ({place}), from {pose.proposer}")
        if isinstance(answer, Fix):
            sigma = answer.sigmas[0]
            return [*lines, f"taken: {answer.inliers} inliers, position known to {sigma:.3f}"]
        remedy = REMEDIES[answer.category]
        return [*lines, f"no pose, {answer.category.value}: {answer.message}", f"-> {remedy}"]


def explain(player: Player, message: int) -> Explanation:
    """Look for the camera in one message as if it were the first. Raises BagError without it."""
    compared: list[tuple[Candidates, Tensor]] = []
    with listening(lambda candidates, nats: compared.append((candidates, nats))):
        played = next(player.play(only=message), None)
    if played is None:
        raise BagError(f"there is no message {message}; count from 0.")
    active = player.active
    if active is None or not compared:
        return Explanation(message, played, [])
    return Explanation(message, played, _best_of_each_place(active.localizer, *compared[-1]))


def _best_of_each_place(
    localizer: Localizer, candidates: Candidates, nats: Tensor
) -> list[ComparedPose]:
    """The best poses, without those that lie close to a better one."""
    model, config = localizer.map_model, localizer.config
    left, poses = nats.argsort(descending=True), list[ComparedPose]()
    while len(left) and len(poses) < MOST_POSES:
        best = int(left[0])
        T = candidates.T_map_camera[best].double().cpu().numpy()
        T[:3, 3] += model.point_map.origin
        poses.append(ComparedPose(T, float(nats[best]), candidates.proposer[best]))
        far, turned = apart(candidates.T_map_camera[left], candidates.T_map_camera[best])
        elsewhere = (far > config.rival_distance * model.depth) | (turned > config.rival_angle)
        left = left[torch.as_tensor(elsewhere)]
    return poses
