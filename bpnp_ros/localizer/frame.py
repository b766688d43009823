"""One image's keypoints as the stages of the localiser see them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.localizer.cues.orientation import Aims

MOST_COARSE = 128
FEWEST_FOR_CROWDING = 6  # keypoints
EVENLY_SPREAD = 0.3  # share of clutter that lies anywhere in the image
CLOSE_BY = 0.1  # the same where the density is looked at closely
CROWDED = 0.08  # between keypoints, on the z = 1 plane


@dataclass(frozen=True, eq=False)
class Frame:
    """xy: (M, 2) on the z = 1 plane. sigma: of a keypoint, there. clutter: its prior share.

    pairs: (M, N) what cues say of each keypoint and map point, nats; None where there are none.
    aims: what orientations say at a pose; None where they are not known on both sides.
    crowding: (M,) density of the frame's keypoints about each, relative to one spread evenly;
    None: clutter is spread evenly.
    """

    xy: Tensor
    score: Tensor
    frustum: Frustum
    sigma: float
    clutter: float
    pairs: Tensor | None = None
    crowding: Tensor | None = None
    aims: Aims | None = None

    @property
    def is_crowded(self) -> bool:
        """Whether keypoints lie so close together that a coarse search sees but a blur of them."""
        return (self.frustum.area / max(len(self.xy), 1)) ** 0.5 < CROWDED

    @classmethod
    def of(
        cls,
        keypoints: Keypoints,
        sigma_px: float,
        clutter: float,
        device: torch.device,
        pairs: Tensor | None = None,
        aims: Aims | None = None,
    ) -> Frame:
        return cls(
            torch.from_numpy(keypoints.xy).to(device),
            torch.from_numpy(keypoints.score).to(device),
            keypoints.frustum,
            sigma_px * keypoints.frustum.pixel,
            clutter,
            None if pairs is None else pairs.to(device),
            aims=aims,
        )

    def coarse(self) -> Frame:
        """What stages look at that try many poses."""
        return self.at_most(MOST_COARSE)

    @lru_cache(maxsize=4)  # noqa: B019
    def at_most(self, count: int) -> Frame:
        """So many keypoints at most, evenly taken."""
        if len(self.xy) <= count:
            return self
        return self.take(slice(None, None, -(-len(self.xy) // count)))

    def innermost(self, count: int) -> Frame:
        """The `count` keypoints closest to the axis."""
        return self.take(self.xy.norm(dim=1).argsort()[:count])

    def take(self, rows: slice | Tensor) -> Frame:
        """Some of the keypoints."""
        pairs = None if self.pairs is None else self.pairs[rows]
        crowding = None if self.crowding is None else self.crowding[rows]
        aims = None if self.aims is None else self.aims.take(rows)
        xy, score = self.xy[rows], self.score[rows]
        return replace(self, xy=xy, score=score, pairs=pairs, crowding=crowding, aims=aims)

    def with_crowding(self, width: float | None = None) -> Frame:
        """Clutter lies where the frame's keypoints lie: on a row of things along the horizon chance
        explains more than all over the image. A kernel density without the keypoint itself.

        width: standard deviation of the kernel on the z = 1 plane; None: what suits the spread of
        all keypoints.
        """
        xy, M = self.xy, len(self.xy)
        if M < FEWEST_FOR_CROWDING:
            return self
        if width is None:
            widths = xy.std(dim=0).clamp_min(10 * self.sigma) * M ** (-1 / 6)
            return replace(self, crowding=_density(self, widths, EVENLY_SPREAD))
        return replace(self, crowding=_density(self, xy.new_tensor([width] * 2), CLOSE_BY))


def _density(frame: Frame, widths: Tensor, evenly: float) -> Tensor:
    """(M,) of keypoints about each, by kernels (2,) wide, relative to one spread evenly, which is
    mixed in."""
    apart = ((frame.xy[:, None] - frame.xy) / widths).square().sum(dim=2)
    kernel = torch.exp(-0.5 * apart) / (2 * torch.pi * widths.prod())
    kernel.fill_diagonal_(0)
    density = kernel.sum(dim=1) / (len(frame.xy) - 1) * frame.frustum.area
    return evenly + (1 - evenly) * density
