"""What a localiser answers: a Fix that was found and verified, or a Rejection that says why not."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.localizer.evidence.evidence import Evidence
from bpnp_ros.localizer.self_checks.lens_error import LensError

FEWEST_PAIRS_TO_DISAGREE, AGAINST = 5, -0.1  # pairs; nats a pair


class Category(str, Enum):
    """The closed set of reasons for not publishing a pose."""

    NO_MAP = "NO_MAP"
    NO_CAMERA_INFO = "NO_CAMERA_INFO"
    BAD_CAMERA_INFO = "BAD_CAMERA_INFO"
    BAD_KEYPOINTS = "BAD_KEYPOINTS"
    TOO_FEW_KEYPOINTS = "TOO_FEW_KEYPOINTS"
    NO_PROPOSAL = "NO_PROPOSAL"
    NOT_VERIFIED = "NOT_VERIFIED"
    AMBIGUOUS = "AMBIGUOUS"
    ILL_CONDITIONED = "ILL_CONDITIONED"
    NO_TRANSFORM = "NO_TRANSFORM"
    INTERNAL_ERROR = "INTERNAL_ERROR"


@dataclass(frozen=True)
class Rejection:
    """No pose, and why. `timings` are seconds by stage."""

    category: Category
    message: str
    timings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Fix:
    """A verified pose of the camera in the map.

    T_map_camera: (4, 4) float64, metres, the map's own (not recentred) frame.
    covariance: (6, 6) float64 of (x, y, z, rx, ry, rz): position of the camera in the map and
        rotation about the map's fixed axes, m^2 and rad^2.
    keypoint_index, point_index: (K,) inlier pairs, rows of the keypoints given and of the points
        of `Localizer.map_model`.
    reprojection_error_px: root mean square over the inlier pairs.
    proposer: name of the proposer whose candidate became this fix.
    log_likelihood_ratio: against pure clutter, nats.
    false_pose_probability: how probable it is that the pose is a wrong one, 0 to 1.
    evidence: what speaks for the pose.
    keypoint_sigma_px, clutter: noise of the frame's keypoints and share of clutter among them.
    cues: by name, what a cue says of the inlier pairs: nats in all, and of how many pairs.
    lens: by how much the lens looks other than CameraInfo says, where the pose is that through it.
    """

    T_map_camera: NDArray[np.float64]
    covariance: NDArray[np.float64]
    keypoint_index: NDArray[np.int64]
    point_index: NDArray[np.int64]
    reprojection_error_px: float
    proposer: str
    log_likelihood_ratio: float
    false_pose_probability: float
    timings: dict[str, float] = field(default_factory=dict)
    keypoint_sigma_px: float = 0.0
    clutter: float = 0.0
    evidence: Evidence | None = None
    cues: dict[str, tuple[float, int]] = field(default_factory=dict)
    lens: LensError | None = None

    @property
    def disagreeing(self) -> list[str]:
        """Cues that speak against the pairs by which the pose was found."""
        return [
            name
            for name, (nats, pairs) in self.cues.items()
            if pairs >= FEWEST_PAIRS_TO_DISAGREE and nats < AGAINST * pairs
        ]

    @property
    def inliers(self) -> int:
        """Number of inlier pairs."""
        return len(self.keypoint_index)

    @property
    def sigmas(self) -> tuple[float, float]:
        """Largest standard deviation of the position, metres, and of the rotation, radians."""
        blocks = (self.covariance[:3, :3], self.covariance[3:, 3:])
        position, rotation = (np.sqrt(np.linalg.eigvalsh(b).max(initial=0.0)) for b in blocks)
        return float(position), float(rotation)
