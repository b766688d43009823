"""RANSAC over P3P for all items of a batch at once, where their pairs are: nothing waits for a GPU.

Sets of three pairs are drawn, among the most probable first (as in PROSAC, Chum and Matas, CVPR
2005); of all their poses the one is kept that most pairs agree on, counted by truncated squared
errors (MSAC, Torr and Zisserman, CVIU 2000), and pulled onto the pairs that agree.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from bpnp_ros.geometry.chart import PINHOLE
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import invert, make_transform, transform_points
from bpnp_ros.pnp.candidates import BatchOfPairs
from bpnp_ros.pnp.p3p import SOLUTIONS, all_solutions

SETS = 4096
FIRST_POOL = 12  # pairs that the first sets are drawn from
ERRORS_AT_ONCE = 1 << 24
PULLS, LOOSE = 10, 3.0  # rounds; thresholds within which a pair pulls
NEAREST = 1e-6
RIDGE = 1e-9


def batched_ransac(pairs: BatchOfPairs, threshold: float, seed: int) -> tuple[Tensor, Tensor]:
    """T_map_camera (B, 4, 4), and which pairs (B, K) lie within the threshold of it and ahead.

    threshold: distance on the z = 1 plane. An item without a solution has no inliers.
    """
    best = torch.eye(4).to(pairs.points).expand(len(pairs.xy), 1, 4, 4)
    score = pairs.points.new_zeros(len(pairs.xy), 1)
    for rows in _sets(pairs, seed):
        poses, good = _poses(pairs, rows)
        found = _agreement(pairs, poses, threshold).where(good, -1.0)
        best, score = _better(torch.cat([best, poses], 1), torch.cat([score, found], 1))
    pulled = _pulled(pairs, best[:, 0], threshold)
    both = torch.stack([best[:, 0], pulled], dim=1)
    best, _ = _better(both, _agreement(pairs, both, threshold).nan_to_num(nan=-1.0))
    square, ahead = _errors(pairs, best)
    return best[:, 0], (pairs.is_pair[:, None] & ahead & (square < threshold**2))[:, 0]


def _sets(pairs: BatchOfPairs, seed: int) -> Iterator[Tensor]:
    """Rows (B, S, 3) of pairs, from a pool that grows from the most probable to all."""
    B, K = pairs.is_pair.shape
    generator = torch.Generator(pairs.xy.device).manual_seed(seed)
    count = pairs.is_pair.sum(dim=1)[:, None]
    progress = torch.arange(SETS, device=count.device) / SETS
    pool = FIRST_POOL + (count - FIRST_POOL).clamp_min(0) * progress.square()
    pool = pool.minimum(count)[..., None]
    draws = torch.rand(B, SETS, 3, generator=generator, device=count.device)
    at_once = max(ERRORS_AT_ONCE // (SOLUTIONS * B * K), 1)
    return iter((draws * pool).long().clamp_max(K - 1).split(at_once, dim=1))


def _poses(pairs: BatchOfPairs, rows: Tensor) -> tuple[Tensor, Tensor]:
    """All poses (B, P, 4, 4) of sets (B, S, 3), and which of them (B, P) are solutions."""
    B, batch = len(rows), torch.arange(len(rows), device=rows.device)[:, None, None]
    bearings = PINHOLE.bearings(pairs.xy[batch, rows]).flatten(0, 1)
    poses, good = all_solutions(bearings, pairs.points[batch, rows].flatten(0, 1))
    return poses.view(B, -1, 4, 4), good.view(B, -1)


def _errors(pairs: BatchOfPairs, poses: Tensor) -> tuple[Tensor, Tensor]:
    """Squared errors on the z = 1 plane, and which points are ahead, of poses (B, P, 4, 4)."""
    x, y, z = transform_points(invert(poses), pairs.points[:, None]).unbind(dim=-1)
    u, v = PINHOLE.image((x, y, z), NEAREST)
    square = (u - pairs.xy[:, None, :, 0]).square() + (v - pairs.xy[:, None, :, 1]).square()
    return square, z > NEAREST


def _agreement(pairs: BatchOfPairs, poses: Tensor, threshold: float) -> Tensor:
    """How many pairs agree with poses (B, P, 4, 4), the more the better they do: (B, P)."""
    square, ahead = _errors(pairs, poses)
    agree = (1 - square / threshold**2).clamp_min(0) * (ahead & pairs.is_pair[:, None])
    return agree.sum(dim=2)


def _better(poses: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    """The best (B, 1, 4, 4) of poses (B, P, 4, 4) by scores (B, P), and its score (B, 1)."""
    score, row = scores.max(dim=1, keepdim=True)
    return poses.gather(1, row[..., None, None].expand(-1, -1, 4, 4)), score


def _pulled(pairs: BatchOfPairs, T_map_camera: Tensor, threshold: float) -> Tensor:
    """Poses (B, 4, 4) by Gauss-Newton on the pairs nearby, Cauchy's weights."""
    ridge = RIDGE * torch.eye(6).to(T_map_camera)
    for _ in range(PULLS):
        in_camera = transform_points(invert(T_map_camera), pairs.points)
        error = pairs.xy - torch.stack(PINHOLE.image(in_camera.unbind(-1), NEAREST), dim=-1)
        square = error.square().sum(dim=2) / threshold**2
        near = pairs.is_pair & (square < LOOSE**2) & (in_camera[..., 2] > NEAREST)
        weight = (near / (1 + square))[..., None, None]
        J = PINHOLE.jacobian(in_camera, NEAREST)
        H = (weight * J).flatten(1, 2).transpose(1, 2) @ J.flatten(1, 2)
        g = (weight * J * error[..., None]).sum(dim=(1, 2))
        step = torch.linalg.solve_ex(H + ridge, g)[0]
        T_map_camera = T_map_camera @ make_transform(so3_exp(step[:, 3:]), step[:, :3])
    return T_map_camera
