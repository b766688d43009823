"""Where a camera can be in a map, and which points it sees from there.

One structure serves the likelihood search, the refinement, the gate and the training views: a set
of anchors (places, or mapping cameras with their orientation), each with the points seen there and
the chance of seeing them. A pose sees what its nearest anchor sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bpnp_ros.geometry.cells import Cells
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.map_model.motion import Motion

MOST_ALIKE = 128  # poses looked at together: what they see stays in the processor's cache
_SLACK = 2.5
FURTHEST = 2.0  # of a drawn pose from its mapping camera, in reaches and tilts together


@dataclass(frozen=True, eq=False)
class ViewSpace:
    """Places and what is seen from them; all tensors on one device.

    anchors: (A, 3) metres, in the recentred map.
    seen: (A, K) int64 point indices, padded with 0.
    chance: (A, K) float32 of seeing them, 0 on padding.
    reach: (3,) half the size of the cell that an anchor stands for, metres.
    tilt: largest pitch and roll; with orientations the largest angle away from one, radians.
    orientations: (A, 3, 3) R_map_camera of mapping cameras, or None: as `motion` says.
    motion: how the camera is held; None: level, z of the map being up.
    """

    anchors: Tensor
    seen: Tensor
    chance: Tensor
    reach: Tensor
    tilt: float
    orientations: Tensor | None = None
    motion: Motion | None = None

    @property
    def device(self) -> torch.device:
        return self.anchors.device

    @property
    def held(self) -> Motion:
        return self.motion or Motion.level(self.tilt)

    @property
    def size(self) -> int:
        """Entries of the table of what is seen."""
        return self.seen.numel()

    def to(self, device: torch.device) -> ViewSpace:
        orientations = None if self.orientations is None else self.orientations.to(device)
        return ViewSpace(
            self.anchors.to(device),
            self.seen.to(device),
            self.chance.to(device),
            self.reach.to(device),
            self.tilt,
            orientations,
            self.motion,
        )

    def sample(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Random poses -> T_map_camera (count, 4, 4) and the anchor (count,) of each."""
        anchor = torch.randint(len(self.anchors), (count,), generator=generator)
        anchor = anchor.to(self.anchors.device)
        if self.orientations is not None:
            return self._beside_cameras(anchor, self.orientations[anchor], generator), anchor
        position = self.anchors[anchor] + self._uniform((count, 3), generator) * self.reach
        yaw_pitch_roll = self._uniform((count, 3), generator)
        limits = yaw_pitch_roll.new_tensor([torch.pi, self.tilt, self.tilt])
        orientation = camera_orientation(yaw_pitch_roll * limits, self.held)
        return make_transform(orientation, position), anchor

    def _beside_cameras(self, anchor: Tensor, R: Tensor, generator: torch.Generator) -> Tensor:
        """Poses (P, 4, 4) about mapping cameras (P,), R (P, 3, 3), as many near as far.

        In six dimensions nearly all of a box is its corners: even in it, few poses would be near.
        """
        way = torch.randn(len(anchor), 6, generator=generator)
        length = FURTHEST * torch.rand(len(anchor), 1, generator=generator)
        offset = (way * (length / way.norm(dim=1, keepdim=True))).to(R)
        turn = so3_exp(offset[:, 3:] * self.tilt)
        return make_transform(R @ turn, self.anchors[anchor] + offset[:, :3] * self.reach)

    def _uniform(self, shape: tuple[int, int], generator: torch.Generator) -> Tensor:
        return (torch.rand(shape, generator=generator) * 2 - 1).to(self.anchors)

    def seen_from(self, T_map_camera: Tensor) -> tuple[Tensor, Tensor]:
        """Points seen from poses (P, 4, 4), field of view aside: indices and chances (P, K)."""
        anchor, _ = self._nearest(T_map_camera)
        return self.seen[anchor], self.chance[anchor]

    def alike(self, T_map_camera: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Poses (P, 4, 4) put together by what they see, field of view aside.

        Yields rows (G,) of poses, the points (K,) that they see, and the chances (1, K).
        """
        nearest, _ = self._nearest(T_map_camera)
        order = nearest.argsort(stable=True)
        anchors, counts = nearest[order].unique_consecutive(return_counts=True)
        for anchor, together in zip(anchors, order.split(counts.tolist()), strict=True):
            kept = self.chance[anchor] > 0
            seen, chance = self.seen[anchor][kept], self.chance[anchor][kept]
            for rows in together.split(MOST_ALIKE):
                yield rows, seen, chance[None]

    def holds(self, T_map_camera: Tensor) -> Tensor:
        """Whether a camera can be at poses (P, 4, 4), some slack allowed -> (P,) bool."""
        _, distance = self._nearest(T_map_camera)
        if self.orientations is not None:
            return distance < _SLACK**2
        return is_upright(T_map_camera, self.held) & (distance < _SLACK**2)

    def objection(self, T_map_camera: Tensor) -> str:
        """Why no camera can be at a pose (4, 4), for people; empty where one can."""
        if bool(self.holds(T_map_camera[None])[0]):
            return ""
        if self.orientations is None and not bool(is_upright(T_map_camera[None], self.held)[0]):
            return f"tilted, which camera_tilt {self.tilt:g} rad and camera_mounting do not allow"
        return "at a height or a place that the map and camera_height_min, _max do not allow"

    @cached_property
    def cells(self) -> Cells:
        """The anchors, in reaches and tilts."""
        axes = None if self.orientations is None else self.orientations[:, :, 2]
        return Cells.of(self._in_reaches(self.anchors, axes))

    def _nearest(self, T_map_camera: Tensor) -> tuple[Tensor, Tensor]:
        """The anchor that stands for each pose, and its squared distance in reaches, (P,)."""
        axes = None if self.orientations is None else T_map_camera[:, :3, 2]
        return self.cells.nearest(self._in_reaches(T_map_camera[:, :3, 3], axes))

    def _in_reaches(self, position: Tensor, axes: Tensor | None) -> Tensor:
        """Positions (P, 3), and optical axes (P, 3) in tilts where they count: (P, 3 or 6)."""
        position = position / self.reach
        return position if axes is None else torch.cat([position, axes / self.tilt], dim=1)


def is_upright(T_map_camera: Tensor, motion: Motion) -> Tensor:
    """Whether poses (P, 4, 4) are held as told, some slack allowed -> (P,) bool."""
    up_in_map, up_in_camera = (
        torch.from_numpy(v).to(T_map_camera) for v in (motion.up, motion.up_in_camera)
    )
    cosine = (T_map_camera[:, :3, :3].transpose(1, 2) @ up_in_map) @ up_in_camera
    return torch.acos(cosine.clamp(-1, 1)) < _SLACK * motion.tilt


def camera_orientation(yaw_pitch_roll: Tensor, motion: Motion | None = None) -> Tensor:
    """R_map_camera (P, 3, 3) of optical frames from yaw about up, pitch and roll (P, 3), rad.

    Pitch and roll turn the camera away from how it is held at heading zero.
    """
    motion = motion or Motion.level()
    zero = torch.zeros_like(yaw_pitch_roll[:, 0])
    yaw, pitch, roll = yaw_pitch_roll.unbind(-1)
    turn_yaw = so3_exp(torch.stack([zero, zero, yaw], -1))
    turn_pitch = so3_exp(torch.stack([zero, pitch, zero], -1))
    turn_roll = so3_exp(torch.stack([roll, zero, zero], -1))
    R_map_level, R_level_camera = (
        torch.from_numpy(R).to(yaw) for R in (motion.R_map_level, motion.R_level_camera)
    )
    return R_map_level @ turn_yaw @ turn_pitch @ turn_roll @ R_level_camera


def pack_seen(visible: Tensor) -> tuple[Tensor, Tensor]:
    """Chances (A, N) in [0, 1] as padded lists: indices (A, K) and chances (A, K)."""
    most = max(int((visible > 0).sum(dim=1).max()), 1)
    chance, seen = visible.to(torch.float32).topk(most, dim=1)
    return torch.where(chance > 0, seen, torch.zeros_like(seen)), chance


def pack_pairs(
    anchor: Tensor, point: Tensor, chance: Tensor, anchors: int
) -> tuple[Tensor, Tensor]:
    """Sightings (S,), sorted by anchor, as padded lists: indices (A, K) and chances (A, K)."""
    counts = torch.bincount(anchor, minlength=anchors)
    column = torch.arange(len(anchor)) - (counts.cumsum(0) - counts)[anchor]
    most = max(int(counts.max()), 1)
    seen, chances = torch.zeros(anchors, most, dtype=torch.int64), torch.zeros(anchors, most)
    seen[anchor, column], chances[anchor, column] = point, chance
    return seen, chances
