"""One scene that the speed of everything is measured on."""

from __future__ import annotations

import torch

from bpnp_ros.geometry.rotation import so3_exp
from training.datasets.sample import Batch

NOISE = 0.005  # of keypoints, on the z = 1 plane


def scene(points: int, batch: int) -> Batch:
    """Points in front of cameras at about the origin, seen with noise; each pair in one row."""
    p3d = torch.randn(batch, points, 3)
    R = so3_exp(0.02 * torch.randn(batch, 3))
    t = torch.tensor([0.0, 0, 6]).expand(batch, 3)
    seen = p3d @ R.transpose(1, 2) + t[:, None]
    p2d = seen[..., :2] / seen[..., 2:] + NOISE * torch.randn(batch, points, 2)
    counts = torch.full((batch,), points)
    partner = torch.arange(points).expand(batch, points)
    return Batch(p2d, p3d, counts, counts, partner, R, t, torch.ones(batch, points) / points)
