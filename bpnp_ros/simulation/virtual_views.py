"""Views of a map that no camera has taken: what a keypoint detector would report from a pose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.transform import invert, transform_points
from bpnp_ros.point_map.view_space import ViewSpace

NEAREST_DEPTH = 0.05


@dataclass(frozen=True)
class ViewNoise:
    """What a detector gets wrong; ranges are drawn from anew, uniformly, for each view.

    pixel_noise: standard deviation, px. missed: share of points in view that are not reported.
    clutter: share of the reported keypoints that are no map point.
    """

    pixel_noise: float = 1.0
    missed: tuple[float, float] = (0.1, 0.5)
    clutter: tuple[float, float] = (0.1, 0.5)


class VirtualViews(NamedTuple):
    """A batch of frames.

    xy: (B, M, 2) keypoints on the z = 1 plane in random order, padding last.
    mask: (B, M), False on padding. point: (B, M) row of the map, or N for clutter and padding.
    T_map_camera: (B, 4, 4).
    """

    xy: Tensor
    mask: Tensor
    point: Tensor
    T_map_camera: Tensor


@dataclass(frozen=True, eq=False)
class ViewSource:
    """Draws views of map points (N, 3) by a camera somewhere in a view space.

    keypoints: at most so many are kept of a view, a random choice.
    """

    space: ViewSpace
    points: Tensor
    frustum: Frustum
    noise: ViewNoise
    keypoints: int = 192

    def draw(self, count: int, generator: torch.Generator) -> VirtualViews:
        """`count` views; the same generator state gives the same ones."""
        T_map_camera, anchor = self.space.sample(count, generator)
        seen = self.space.seen[anchor]
        xy, in_view = self._project(T_map_camera, seen)
        chance = self.space.chance[anchor] * (1 - _uniform(self.noise.missed, count, generator))
        detected = in_view & (torch.rand(chance.shape, generator=generator) < chance)
        clutter_xy, clutter = self._clutter(detected.sum(dim=1, keepdim=True), generator)
        nothing = torch.full(clutter.shape, len(self.points))
        point, xy = torch.cat([seen, nothing], dim=1), torch.cat([xy, clutter_xy], dim=1)
        reported = torch.cat([detected, clutter], dim=1)
        order = torch.rand(reported.shape, generator=generator) + reported
        key, kept = order.topk(min(self.keypoints, order.shape[1]), dim=1)
        mask = key >= 1
        xy = xy.gather(1, kept[..., None].expand(-1, -1, 2))
        noise = torch.randn(xy.shape, generator=generator)
        xy = xy + noise * self.noise.pixel_noise * self.frustum.pixel
        point = point.gather(1, kept).masked_fill(~mask, len(self.points))
        return VirtualViews(xy * mask[..., None], mask, point, T_map_camera)

    def _project(self, T_map_camera: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        in_camera = transform_points(invert(T_map_camera), self.points[seen])
        depth = in_camera[..., 2]
        xy = in_camera[..., :2] / depth.clamp_min(NEAREST_DEPTH)[..., None]
        low, high = self._corners()
        return xy, (depth > NEAREST_DEPTH) & ((xy > low) & (xy < high)).all(dim=-1)

    def _clutter(self, true: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        share = _uniform(self.noise.clutter, len(true), generator)
        low, high = self._corners()
        shape = (len(true), self.keypoints, 2)
        xy = low + (high - low) * torch.rand(shape, generator=generator)
        return xy, torch.arange(self.keypoints) < true * share / (1 - share)

    def _corners(self) -> tuple[Tensor, Tensor]:
        f = self.frustum
        return torch.tensor([f.x_min, f.y_min]), torch.tensor([f.x_max, f.y_max])


def _uniform(limits: tuple[float, float], count: int, generator: torch.Generator) -> Tensor:
    low, high = limits
    return low + (high - low) * torch.rand(count, 1, generator=generator)
