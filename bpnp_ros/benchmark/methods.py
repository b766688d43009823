"""Methods of the benchmark behind one interface: matching, then a pose by RANSAC."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.benchmark.problems import Problem
from bpnp_ros.evaluation.metrics import pose_errors
from bpnp_ros.geometry.transform import T_map_camera_from_theta
from bpnp_ros.network.blind_pose import MOST_LOOKS, likeliest_pose
from bpnp_ros.network.canonical_frame import canonical_frame
from bpnp_ros.network.matching import MatchingNetwork
from bpnp_ros.network.pose_weights import pose_weights
from bpnp_ros.pnp.ransac import REFERENCE_SETTINGS, RansacSettings, initial_poses, ransac
from bpnp_ros.pnp.weighted_pnp import weighted_pnp

Pose = NDArray[np.float64]

OUR_SETTINGS = RansacSettings(max_iterations=20_000)
AGREEING = "pairs that agree with RANSAC"
"""What weighs in weighted PnP of a plan with a dustbin; see `pose_weights`."""


class Method(Protocol):
    """One row of the benchmark.

    knows: what it is told besides the two sets, for people. identity: whatever its answers depend
    on, in JSON; results are kept until it changes.
    """

    @property
    def name(self) -> str: ...

    @property
    def knows(self) -> str: ...

    @property
    def identity(self) -> dict[str, Any]: ...

    def solve(self, problem: Problem) -> Pose | None:
        """T_map_camera (4, 4) in the scene's unit, or None."""


@dataclass(frozen=True)
class OracleMatches:
    """The true pairs, and RANSAC on them: the ceiling of everything that matches first."""

    name: str = "oracle matches"
    knows: str = "the true pairs (ceiling)"
    settings: RansacSettings = OUR_SETTINGS

    @property
    def identity(self) -> dict[str, Any]:
        return {"max_iterations": self.settings.max_iterations}

    def solve(self, problem: Problem) -> Pose | None:
        keypoint, point = problem.sets.pairs
        found = ransac(
            problem.sets.keypoints[keypoint].astype(np.float64),
            problem.sets.points[point],
            self.settings,
        )
        return None if found is None else found.T_map_camera


@dataclass(frozen=True)
class NearestCamera:
    """The pose of the mapping camera nearest to the query: how much a mere look-up would do."""

    name: str = "nearest mapping camera"
    knows: str = "which of the other mapping cameras is nearest to the truth"

    @property
    def identity(self) -> dict[str, Any]:
        return {}

    def solve(self, problem: Problem) -> Pose | None:
        poses, truth = problem.scene.T_map_camera[problem.others], problem.sets.T_map_camera
        errors = pose_errors(np.broadcast_to(truth, poses.shape).copy(), poses)
        apart = errors.metres / problem.sets.depth + np.radians(errors.degrees)
        return poses[int(apart.argmin())]


@dataclass(frozen=True, eq=False)
class NetworkMatches:
    """BPnPNet's plan, RANSAC on its most probable pairs and, as in the paper, weighted PnP.

    weights: what the network's weights are, for `identity`.
    """

    name: str
    network: MatchingNetwork
    weights: str
    settings: RansacSettings = OUR_SETTINGS
    weighted: bool = False
    knows: str = field(default="nothing", init=False)

    @property
    def identity(self) -> dict[str, Any]:
        solver, iterations = self.settings.solver, self.settings.max_iterations
        return {
            "weights": self.weights,
            "solver": solver,
            "max_iterations": iterations,
            "weighted": self.weighted and AGREEING if self.network.has_dustbin else self.weighted,
        }

    def solve(self, problem: Problem) -> Pose | None:
        origin, unit = canonical_frame(problem.sets.points)
        p2d = torch.from_numpy(problem.sets.keypoints)[None]
        p3d = torch.from_numpy((problem.sets.points - origin) / unit).float()[None]
        counts = torch.tensor([p2d.shape[1]]), torch.tensor([p3d.shape[1]])
        with torch.no_grad():
            matching = self.network(p2d, p3d, *counts)
            theta, found = initial_poses(matching.P, p2d, p3d, *counts, self.settings)
            if not found:
                return None
            if self.weighted:
                theta = weighted_pnp(pose_weights(matching, p2d, p3d, theta), p2d, p3d, theta)
        return _in_the_scene(theta[0], origin, unit)


@dataclass(frozen=True, eq=False)
class LikeliestPose:
    """Several looks of BPnPNet at the sets, and the likeliest of the poses that they lead to.

    weights: what the network's weights are, for `identity`.
    """

    name: str
    network: MatchingNetwork
    weights: str
    knows: str = field(default="nothing", init=False)

    @property
    def identity(self) -> dict[str, Any]:
        return {"weights": self.weights, "looks": MOST_LOOKS}

    def solve(self, problem: Problem) -> Pose | None:
        origin, unit = canonical_frame(problem.sets.points)
        points = torch.from_numpy((problem.sets.points - origin) / unit).float()
        theta = likeliest_pose(self.network, torch.from_numpy(problem.sets.keypoints), points)
        return None if theta is None else _in_the_scene(theta, origin, unit)


def _in_the_scene(theta: torch.Tensor, origin: NDArray[np.float64], unit: float) -> Pose:
    """T_map_camera (4, 4) of a pose theta (6,) among points given from an origin in a unit."""
    pose = T_map_camera_from_theta(theta.double()).numpy()
    pose[:3, 3] = pose[:3, 3] * unit + origin
    return pose


def network_rows(name: str, network: MatchingNetwork, weights: str) -> list[Method]:
    """The paper's RANSAC alone, followed by weighted PnP as in the paper, ours instead, and the
    likeliest of several looks."""
    return [
        NetworkMatches(f"{name}, reference RANSAC", network, weights, REFERENCE_SETTINGS),
        NetworkMatches(
            f"{name}, reference RANSAC + weighted PnP", network, weights, REFERENCE_SETTINGS, True
        ),
        NetworkMatches(f"{name}, LO-RANSAC", network, weights),
        LikeliestPose(f"{name}, likeliest pose", network, weights),
    ]
