"""A pose from pairs of which many are wrong: one interface, three RANSACs.

LO-RANSAC (PoseLib) draws from the most probable pairs first and is what the localiser uses. The
paper's own (OpenCV, P3P, 1000 iterations) needs about 16 % true pairs and is kept for comparison.
What lies on a GPU stays there (`batched_ransac`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.backends import opencv, poselib
from bpnp_ros.errors import ConfigError
from bpnp_ros.geometry.rotation import so3_log
from bpnp_ros.geometry.transform import T_map_camera_from_theta, theta_from_T_map_camera
from bpnp_ros.pnp.batched_ransac import batched_ransac
from bpnp_ros.pnp.candidates import batch_of_pairs, candidate_pairs

Array = NDArray[np.float64]

SOLVERS = ("lo_ransac", "p3p_ransac")
MIN_PAIRS = 4


@dataclass(frozen=True)
class RansacSettings:
    """How to look for a pose.

    solver: "lo_ransac" (PoseLib) or "p3p_ransac" (OpenCV); the latter heeds threshold,
        max_iterations and min_inliers alone.
    threshold: largest error of an inlier, on the z = 1 plane.
    best_first: start drawing among the first pairs (PROSAC); they must come best first.
    min_inliers: fewer distinct keypoints or map points than this among the inliers is no pose.
    """

    solver: str = "lo_ransac"
    threshold: float = 0.01
    max_iterations: int = 100_000
    min_iterations: int = 1000
    success_probability: float = 0.9999
    best_first: bool = True
    min_inliers: int = MIN_PAIRS
    seed: int = 0

    def __post_init__(self) -> None:
        if self.solver not in SOLVERS:
            raise ConfigError(f"RANSAC solver '{self.solver}' is not one of {', '.join(SOLVERS)}.")
        if not self.threshold > 0:
            raise ConfigError(f"The RANSAC threshold must be above 0, not {self.threshold}.")


REFERENCE_SETTINGS = RansacSettings(solver="p3p_ransac", max_iterations=1000)


@dataclass(frozen=True, eq=False)
class RansacPose:
    """A pose that was found.

    theta: (6,) world-to-camera, angle-axis in radians and translation in map units.
    inliers: (K,) boolean, pairs within the threshold of this very pose and in front of the camera.
    """

    theta: Array
    inliers: NDArray[np.bool_]

    @property
    def T_map_camera(self) -> Array:
        """(4, 4), camera points into the map."""
        return T_map_camera_from_theta(torch.from_numpy(self.theta)).numpy()


def ransac(xy: Array, points: Array, settings: RansacSettings | None = None) -> RansacPose | None:
    """The pose that most pairs agree on, or None; never a made-up one.

    xy: (K, 2) keypoints on the z = 1 plane. points: (K, 3), the map point paired with each. Pairs
    that are not finite are left out.
    """
    settings = settings or RansacSettings()
    xy, points = np.asarray(xy, np.float64), np.asarray(points, np.float64)
    finite = np.isfinite(xy).all(1) & np.isfinite(points).all(1)
    if finite.sum() < MIN_PAIRS:
        return None
    solution = _solve(xy[finite], points[finite], settings)
    if solution is None:
        return None
    R, t = solution
    inliers = finite & _agree(xy, points, R, t, settings.threshold)
    distinct = min(len(np.unique(a[inliers], axis=0)) for a in (xy, points))
    if distinct < max(settings.min_inliers, MIN_PAIRS):
        return None
    return RansacPose(np.concatenate([so3_log(torch.from_numpy(R)).numpy(), t]), inliers)


def initial_poses(
    P: Tensor,
    p2d: Tensor,
    p3d: Tensor,
    num_points_2d: Tensor,
    num_points_3d: Tensor,
    settings: RansacSettings = REFERENCE_SETTINGS,
) -> tuple[Tensor, Tensor]:
    """The paper's start for weighted PnP: RANSAC over the most probable pairs of each item.

    P: (B, M, N) plan; p2d: (B, M, 2); p3d: (B, N, 3); counts (B,) or (B, 1).
    Returns theta0 (B, 6) in p3d's dtype, zeros where nothing was found, and found (B,), boolean.
    The zeros are a start for training as in the paper; they are no answer.
    """
    if P.is_cuda:
        counts = num_points_2d, num_points_3d
        return poses_on_the_device(P, p2d, p3d, *counts, settings)
    theta0, found = torch.zeros(len(P), 6), torch.zeros(len(P), dtype=torch.bool)
    pairs = candidate_pairs(P.detach(), p2d, p3d, num_points_2d, num_points_3d)
    for b, (xy, points) in enumerate(pairs):
        pose = ransac(xy, points, settings)
        if pose is not None:
            theta0[b] = torch.from_numpy(pose.theta)
            found[b] = True
    return theta0.to(p3d), found.to(p3d.device)


def poses_on_the_device(
    P: Tensor,
    p2d: Tensor,
    p3d: Tensor,
    num_points_2d: Tensor,
    num_points_3d: Tensor,
    settings: RansacSettings,
) -> tuple[Tensor, Tensor]:
    """As `initial_poses`, on any device; of the settings threshold, min_inliers and seed count."""
    pairs = batch_of_pairs(P, p2d.detach(), p3d.detach(), num_points_2d, num_points_3d)
    T_map_camera, inliers = batched_ransac(pairs, settings.threshold, settings.seed)
    distinct = [
        torch.zeros(len(P), size, device=P.device)
        .scatter_add_(1, rows, inliers.float())
        .gt(0)
        .sum(dim=1)
        for rows, size in ((pairs.keypoint, P.shape[1]), (pairs.point, P.shape[2]))
    ]
    found = torch.minimum(*distinct) >= max(settings.min_inliers, MIN_PAIRS)
    theta = theta_from_T_map_camera(T_map_camera).where(found[:, None], 0.0)
    return theta.to(p3d), found


def _solve(xy: Array, points: Array, settings: RansacSettings) -> tuple[Array, Array] | None:
    if settings.solver == "p3p_ransac":
        return opencv.p3p_ransac(xy, points, settings.threshold, settings.max_iterations)
    return poselib.lo_ransac(
        xy,
        points,
        settings.threshold,
        max_iterations=settings.max_iterations,
        min_iterations=settings.min_iterations,
        success_prob=settings.success_probability,
        progressive_sampling=settings.best_first,
        max_prosac_iterations=settings.max_iterations,
        seed=settings.seed,
    )


def _agree(xy: Array, points: Array, R: Array, t: Array, threshold: float) -> NDArray[np.bool_]:
    """Which pairs (K,) lie within the threshold; all False for a pose that is not finite."""
    with np.errstate(all="ignore"):
        q = points @ R.T + t
        error = np.linalg.norm(q[:, :2] / q[:, 2:] - xy, axis=1)
        agreement: NDArray[np.bool_] = (q[:, 2] > 0) & (error < threshold)
    return agreement
