"""How directions become points of a plane, on which keypoints are compared with the map.

The z = 1 plane suits a view of up to some 140 degrees; a fisheye sees further. A chart keeps an
angle of the axis' surroundings as a length: one pixel of the middle is 1 / focal length on each.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import skew

Coordinates = tuple[Tensor, ...]
"""x, y, z (...) of points in the optical frame."""


@dataclass(frozen=True)
class Pinhole:
    """The z = 1 plane: straight lines stay straight, and what is not ahead has no image."""

    name: str = "z = 1"

    def image(self, xyz: Coordinates, nearest: float) -> tuple[Tensor, Tensor]:
        """Coordinates (...) each on the plane; those of nearer points, metres, mean nothing."""
        x, y, z = xyz
        depth = z.clamp_min(nearest)
        return x / depth, y / depth

    def shows(self, xyz: Coordinates, nearest: float) -> Tensor:
        """Whether points have an image, (...) bool."""
        return xyz[2] > nearest

    def bearings(self, xy: Tensor) -> Tensor:
        """Points (..., 2) of the plane -> unit vectors (..., 3) in the optical frame."""
        rays = torch.cat([xy, torch.ones_like(xy[..., :1])], dim=-1)
        return torch.nn.functional.normalize(rays, dim=-1)

    def jacobian(self, points: Tensor, nearest: float) -> Tensor:
        """d image / d (v, w) of points (..., 3) for T_map_camera <- T_map_camera Exp(v, w).

        Returns (..., 2, 6).
        """
        x, y, z = points.unbind(-1)
        z = z.clamp_min(nearest)
        u, v = x / z, y / z
        zero = torch.zeros_like(u)
        row_u = torch.stack([-1 / z, zero, u / z, u * v, -(1 + u * u), v], dim=-1)
        row_v = torch.stack([zero, -1 / z, v / z, 1 + v * v, -u * v, -u], dim=-1)
        return torch.stack([row_u, row_v], dim=-2)


@dataclass(frozen=True)
class Equidistant:
    """Distance from the middle is the angle from the axis: all directions but straight back."""

    name: str = "equidistant"

    def image(self, xyz: Coordinates, nearest: float) -> tuple[Tensor, Tensor]:
        """As `Pinhole.image`."""
        x, y, z = xyz
        scale = _angle_over_radius(torch.hypot(x, y), z)
        return scale * x, scale * y

    def shows(self, xyz: Coordinates, nearest: float) -> Tensor:
        """As `Pinhole.shows`."""
        x, y, z = xyz
        return x.square() + y.square() + z.square() > nearest**2

    def bearings(self, xy: Tensor) -> Tensor:
        """As `Pinhole.bearings`."""
        angle = xy.norm(dim=-1, keepdim=True)
        return torch.cat([xy * torch.sinc(angle / torch.pi), angle.cos()], dim=-1)

    def jacobian(self, points: Tensor, nearest: float) -> Tensor:
        """As `Pinhole.jacobian`."""
        x, y, z = points.unbind(-1)
        radius = torch.hypot(x, y)
        scale, squared = _angle_over_radius(radius, z), points.square().sum(dim=-1)
        near_axis = radius < 1e-3 * squared.sqrt()
        bend = (z / squared - scale) / radius.square()
        bend = torch.where(near_axis, -2 / (3 * z.abs().clamp_min(1e-6) ** 3), bend)
        row_u = torch.stack([scale + bend * x * x, bend * x * y, -x / squared], dim=-1)
        row_v = torch.stack([bend * x * y, scale + bend * y * y, -y / squared], dim=-1)
        by_point = torch.stack([row_u, row_v], dim=-2)
        return torch.cat([-by_point, by_point @ skew(points)], dim=-1)


def _angle_over_radius(radius: Tensor, z: Tensor) -> Tensor:
    """Angle from the axis for each metre beside it, 1/m."""
    tiny = 1e-9 if radius.dtype == torch.float64 else 1e-6
    return torch.atan2(radius.clamp_min(tiny), z) / radius.clamp_min(tiny)


Chart = Pinhole | Equidistant
PINHOLE, EQUIDISTANT = Pinhole(), Equidistant()
