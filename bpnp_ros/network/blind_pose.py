"""The likeliest pose of two sets, with nothing known besides: several looks, one verdict.

What a network for any map makes out changes with the turn of the map and with what else is in the
sets. So it looks several times: at all there is, then at random parts under random turns. RANSAC on
each plan gives poses, and the mean of the plans tells which of them explains the keypoints best. As
soon as two looks have led to that pose, no more are taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import rotation_angle, so3_exp
from bpnp_ros.network.canonical_frame import canonical_frames
from bpnp_ros.network.matching import MatchingNetwork, partners
from bpnp_ros.network.pose_weights import agreement
from bpnp_ros.pnp.candidates import candidate_pairs, likely_partners
from bpnp_ros.pnp.mixture import log_likelihoods
from bpnp_ros.pnp.ransac import MIN_PAIRS, RansacSettings, ransac
from bpnp_ros.pnp.weighted_pnp import weighted_pnp

MOST_LOOKS = 8
MOST_POINTS = 400  # of each set, in all looks but the first
LARGEST_TURN = 1.0  # radians
STRICT = RansacSettings(max_iterations=10_000)
LOOSE = RansacSettings(threshold=0.03, max_iterations=2000, min_iterations=200)
PARTNERS = 3  # of each keypoint, for the loose one
SAME = 0.05  # radians, and of the distance to the origin: two poses that are nearer are one
REFINED, REFINEMENTS, PNP_ITERATIONS = 3, 2, 20


@torch.no_grad()
def likeliest_pose(network: MatchingNetwork, xy: Tensor, points: Tensor) -> Tensor | None:
    """theta (6,) float64, world-to-camera, or None where no plan led to a pose.

    xy: (M, 2) keypoints on the z = 1 plane. points: (N, 3), about 0 and of size 1 as from
    `canonical_frame`.
    """
    if min(len(xy), len(points)) < MIN_PAIRS:
        return None
    findings = _Findings(network, xy, points)
    for look in _looks(len(xy), len(points)):
        findings.add(look)
        if findings.are_settled():
            break
    return findings.likeliest()


class _Look(NamedTuple):
    """Rows of the keypoints and of the points that it is at, and the turn (3, 3) of the map."""

    keypoints: Tensor
    points: Tensor
    turn: Tensor


def _looks(M: int, N: int) -> Iterator[_Look]:
    yield _Look(torch.arange(M), torch.arange(N), torch.eye(3))
    random = torch.Generator().manual_seed(0)
    for _ in range(MOST_LOOKS - 1):
        rows, columns = (torch.randperm(n, generator=random)[:MOST_POINTS] for n in (M, N))
        axis = torch.nn.functional.normalize(torch.randn(1, 3, generator=random))
        angle = LARGEST_TURN * torch.rand(1, generator=random)
        yield _Look(rows, columns, so3_exp(angle * axis)[0])


class _Findings:
    """Plans, and the poses (K, 6) that they led to, each with the number of its look."""

    def __init__(self, network: MatchingNetwork, xy: Tensor, points: Tensor) -> None:
        self._network, self._xy, self._points = network, xy, points
        self._sum = xy.new_zeros(len(xy), len(points) + 1)
        self._times = torch.zeros_like(self._sum)
        self._theta = torch.empty(0, 6, dtype=torch.float64)
        self._look, self._looks = list[int](), 0

    def add(self, look: _Look) -> None:
        """Match what it is at, and solve."""
        xy, points = self._xy[look.keypoints], self._points[look.points]
        true = torch.ones_like(points[None, :, 0], dtype=torch.bool)
        origin, unit = canonical_frames(points[None], true)
        turned = (points - origin) / unit @ look.turn.to(points).T
        counts = torch.tensor([len(xy)]), torch.tensor([len(points)])
        matching = self._network(xy[None], turned, *counts)
        none = torch.tensor([len(self._points)])
        at = look.keypoints[:, None], torch.cat([look.points, none])[None]
        self._sum[at] += partners(matching)[0]
        self._times[at] += 1
        found = [*_solved(matching.P, xy, points)]
        self._theta = torch.cat([self._theta, *(theta[None] for theta in found)])
        self._look += [self._looks] * len(found)
        self._looks += 1

    def are_settled(self) -> bool:
        """Whether the likeliest pose so far was found in two looks."""
        R, t = so3_exp(self._theta[:, :3]), self._theta[:, 3:]
        near = torch.cdist(t, t) < SAME * t.norm(dim=1)
        alike = rotation_angle(R[:, None], R[None]) < SAME
        look = torch.tensor(self._look)
        again = (near & alike & (look[:, None] != look)).any(dim=1)
        return bool(again.any()) and bool(again[self._nats(self._theta).argmax()])

    def likeliest(self) -> Tensor | None:
        """After weighted PnP on the mean of the plans from the best poses."""
        if not len(self._theta):
            return None
        best = self._nats(self._theta).topk(min(REFINED, len(self._theta))).indices
        poses = torch.cat([self._theta[best], self._refined(self._theta[best])])
        poses = poses[poses.isfinite().all(dim=1)]
        return poses[self._nats(poses).argmax()]

    def _refined(self, theta: Tensor) -> Tensor:
        pairs = self._plan[:, :-1]
        for _ in range(REFINEMENTS):
            p2d, p3d = (s.expand(len(theta), *s.shape) for s in (self._xy, self._points))
            W = pairs * agreement(p2d, p3d, theta.to(p3d))
            theta = weighted_pnp(W, p2d, p3d, theta, PNP_ITERATIONS)
        return theta

    @property
    def _plan(self) -> Tensor:
        """(M, N + 1), the mean over the looks that were at a pair."""
        return self._sum / self._times.clamp_min(1)

    def _nats(self, theta: Tensor) -> Tensor:
        return log_likelihoods(self._plan, self._xy, self._points, theta)


def _solved(P: Tensor, xy: Tensor, points: Tensor) -> Iterator[Tensor]:
    """Poses theta (6,) of the plan (1, M, N) of keypoints (M, 2) and points (N, 3), two at most."""
    counts = torch.tensor([len(xy)]), torch.tensor([len(points)])
    strict = next(candidate_pairs(P, xy[None], points[None], *counts))
    keypoint, point = likely_partners(P[0], PARTNERS)
    loose = xy[keypoint].double().numpy(), points[point].double().numpy()
    for (shown, paired), settings in ((strict, STRICT), (loose, LOOSE)):
        pose = ransac(shown, paired, settings)
        if pose is not None:
            yield torch.from_numpy(pose.theta)
