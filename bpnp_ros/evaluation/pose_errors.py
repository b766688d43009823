"""Error measures of a pose against the truth, as the paper reports them (section 4).

Poses theta (B, 6) are world-to-camera, as are R_gt (B, 3, 3) and t_gt (B, 3).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import rotation_angle, so3_exp
from bpnp_ros.pnp.bearing_alignment import bearings


def rotation_error_deg(theta: Tensor, R_gt: Tensor) -> Tensor:
    """Angle between the rotations, (B,) degrees."""
    return torch.rad2deg(rotation_angle(so3_exp(theta[:, :3]), R_gt))


def translation_error(theta: Tensor, t_gt: Tensor) -> Tensor:
    """Distance of the translations, (B,) map units."""
    return (theta[:, 3:] - t_gt).norm(dim=1)


def reprojection_error(theta: Tensor, p2d: Tensor, p3d: Tensor, C: Tensor) -> Tensor:
    """Mean angle between bearing and seen direction over the true pairs, (B,) radians.

    p2d: (B, M, 2) on the z = 1 plane; p3d: (B, N, 3); C: (B, M, N), not 0 for true pairs. NaN for
    an item without any.
    """
    f, direction = bearings(p2d), _directions(theta, p3d)
    item, keypoint, point = C.nonzero(as_tuple=True)
    chord = (f[item, keypoint] - direction[item, point]).norm(dim=1)
    angle = 2 * torch.asin((chord / 2).clamp_max(1))
    total = angle.new_zeros(len(theta)).index_add(0, item, angle)
    return total / torch.bincount(item, minlength=len(theta))


def agreeing_pairs(theta: Tensor, p2d: Tensor, p3d: Tensor, max_angle_deg: float) -> Tensor:
    """Which pairs of bearing and seen direction agree within an angle, (B, M, N) boolean."""
    cosine = bearings(p2d) @ _directions(theta, p3d).transpose(1, 2)
    return cosine > math.cos(math.radians(max_angle_deg))


def pairs_within(theta: Tensor, p2d: Tensor, p3d: Tensor, max_angle_deg: float) -> Tensor:
    """How many of all M N pairs agree within an angle, (B,) int64. Pass points without padding."""
    return agreeing_pairs(theta, p2d, p3d, max_angle_deg).sum((1, 2))


def _directions(theta: Tensor, p3d: Tensor) -> Tensor:
    q = p3d @ so3_exp(theta[:, :3]).transpose(1, 2) + theta[:, None, 3:]
    return torch.nn.functional.normalize(q, dim=2)
