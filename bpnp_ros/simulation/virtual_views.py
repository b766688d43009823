"""Views of a map that no camera has taken: what a keypoint detector would report from a pose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.transform import invert, transform_points
from bpnp_ros.map_model.view_space import ViewSpace

NEAREST_DEPTH = 0.05
CLUSTERS = 4
CLUSTER_SIZE = 0.03
"""Standard deviation, of the image's width and height."""


@dataclass(frozen=True)
class ViewNoise:
    """What a detector gets wrong; ranges are drawn from anew, uniformly, for each view.

    pixel_noise: standard deviation, px. missed: share of points in view that are not reported.
    clutter: share of the reported keypoints that are no map point. clustered: share of the clutter
    that lies in a few clusters, as on a plant or a poster, the same in every view.
    """

    pixel_noise: float = 1.0
    missed: tuple[float, float] = (0.1, 0.5)
    clutter: tuple[float, float] = (0.1, 0.5)
    clustered: float = 0.0


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

    frustums: the images of the cameras, each view being of one of them. keypoints: at most so many
    are kept of a view, a random choice.
    """

    space: ViewSpace
    points: Tensor
    frustums: tuple[Frustum, ...]
    noise: ViewNoise
    keypoints: int = 192

    def draw(self, count: int, generator: torch.Generator) -> VirtualViews:
        """`count` views; the same generator state gives the same ones."""
        T_map_camera, anchor = self.space.sample(count, generator)
        seen = self.space.seen[anchor]
        image = self._images(count, generator)
        xy, in_view = self._project(T_map_camera, seen, image)
        chance = self.space.chance[anchor] * (1 - _uniform(self.noise.missed, count, generator))
        detected = in_view & (torch.rand(chance.shape, generator=generator) < chance)
        clutter_xy, clutter = self._clutter(detected.sum(dim=1, keepdim=True), image, generator)
        nothing = torch.full(clutter.shape, len(self.points))
        point, xy = torch.cat([seen, nothing], dim=1), torch.cat([xy, clutter_xy], dim=1)
        reported = torch.cat([detected, clutter], dim=1)
        order = torch.rand(reported.shape, generator=generator) + reported
        key, kept = order.topk(min(self.keypoints, order.shape[1]), dim=1)
        mask = key >= 1
        xy = xy.gather(1, kept[..., None].expand(-1, -1, 2))
        noise = torch.randn(xy.shape, generator=generator)
        xy = xy + noise * self.noise.pixel_noise * image.pixel
        point = point.gather(1, kept).masked_fill(~mask, len(self.points))
        return VirtualViews(xy * mask[..., None], mask, point, T_map_camera)

    def _images(self, count: int, generator: torch.Generator) -> _Images:
        which = torch.zeros(count, dtype=torch.int64)
        if len(self.frustums) > 1:
            which = torch.randint(len(self.frustums), (count,), generator=generator)
        rows = [(f.x_min, f.y_min, f.x_max, f.y_max, f.pixel) for f in self.frustums]
        low, high, pixel = torch.tensor(rows)[which, None].split([2, 2, 1], dim=2)
        return _Images(low, high, pixel)

    def _project(self, T_map_camera: Tensor, seen: Tensor, image: _Images) -> tuple[Tensor, Tensor]:
        in_camera = transform_points(invert(T_map_camera), self.points[seen])
        depth = in_camera[..., 2]
        xy = in_camera[..., :2] / depth.clamp_min(NEAREST_DEPTH)[..., None]
        inside = ((xy > image.low) & (xy < image.high)).all(dim=-1)
        return xy, (depth > NEAREST_DEPTH) & inside

    def _clutter(
        self, true: Tensor, image: _Images, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        share = _uniform(self.noise.clutter, len(true), generator)
        relative = torch.rand((len(true), self.keypoints, 2), generator=generator)
        if self.noise.clustered > 0:
            relative = _gathered(relative, self.noise.clustered, generator)
        xy = image.low + (image.high - image.low) * relative
        return xy, torch.arange(self.keypoints) < true * share / (1 - share)


class _Images(NamedTuple):
    """Corners (B, 1, 2) of each view's image on the z = 1 plane, and its pixel (B, 1, 1)."""

    low: Tensor
    high: Tensor
    pixel: Tensor


def _gathered(xy: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Points (B, K, 2) of the unit square, a share of them moved into clusters there."""
    B, K, _ = xy.shape
    centre = torch.rand((B, CLUSTERS, 2), generator=generator)
    which = torch.randint(CLUSTERS, (B, K, 1), generator=generator).expand(-1, -1, 2)
    spread = CLUSTER_SIZE * torch.randn(xy.shape, generator=generator)
    chosen = torch.rand((B, K, 1), generator=generator) < share
    return torch.where(chosen, (centre.gather(1, which) + spread).clamp(0, 1), xy)


def _uniform(limits: tuple[float, float], count: int, generator: torch.Generator) -> Tensor:
    low, high = limits
    return low + (high - low) * torch.rand(count, 1, generator=generator)
