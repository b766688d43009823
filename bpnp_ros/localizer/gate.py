"""The gate: a pose is an answer only when the frame's likelihood says so.

What chance explains in this map and image is measured, not assumed: the search's best poses
elsewhere are refined like the winner, and the winner must leave them behind. None is dropped before
the comparison: a pose where no camera can be stays a rival, and if it wins there is no answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.evidence.covariance import (
    POSE,
    in_map,
    known_beforehand,
    occam_nats,
    pose_covariance,
    with_near_modes,
)
from bpnp_ros.localizer.evidence.evidence import Evidence
from bpnp_ros.localizer.evidence.plane import seen_beside_plane
from bpnp_ros.localizer.evidence.probability import (
    by_a_plane,
    by_chance,
    false_pose_probability,
)
from bpnp_ros.localizer.evidence.rivalry import Rivalry, compete
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.map_model import MapModel

FEWEST_OF_A_PLANE = 4
AMBIGUOUS_SHARE = 0.75  # of the winner's nats: which words say why there is no pose


@dataclass(frozen=True)
class Gate:
    """What the winner must show.

    before: (6,) standard deviations of the pose without the frame. inliers: fewest.
    is_tracked: the pose is looked for near the last one, and has no rivals. is_first: the camera
    has not been found before. match: least, of what is seen and explained, see `Evidence.match`.
    closely: poses are tried around those that lead.
    """

    before: NDArray[np.float64]
    inliers: int
    is_tracked: bool = False
    is_first: bool = False
    match: float = 0.0
    closely: bool = True

    @classmethod
    def of_search(cls, model: MapModel, config: LocalizerConfig) -> Gate:
        """Of a pose found among all that are possible in the map."""
        least = model.least_pairs if model.is_open else config.min_inliers
        return cls(model.spread, least, is_first=True)

    @classmethod
    def of_tracking(
        cls,
        model: MapModel,
        usual: float,
        reach: tuple[float, float],
        config: LocalizerConfig,
        is_vague: bool = False,
    ) -> Gate:
        """Of a pose near the last one; usual: keypoints explained in the frames before. is_vague:
        where near it is not known well."""
        before = np.minimum(np.repeat(reach, 3) / 2, model.spread)
        if model.is_open:
            least = max(model.least_pairs - 1, round(0.5 * config.tracking_share * usual))
        else:
            least = max(config.tracking_inliers, round(config.tracking_share * usual))
        return cls(before, least, is_tracked=not is_vague, closely=is_vague)


def verify(
    model: MapModel, candidates: Candidates, frame: Frame, gate: Gate, config: LocalizerConfig
) -> Fix | Rejection:
    """The likeliest candidate as a Fix, or why it is none."""
    rivalry = compete(model, candidates, frame, config, gate.closely)
    winner, sight = rivalry.T_map_camera, rivalry.sight
    known = in_map(sight.H[POSE, POSE], winner)
    covariance = pose_covariance(model, known + known_beforehand(model, winner), config)
    place = (config.rival_distance * rivalry.depth(model), config.rival_angle)
    elsewhere = rivalry.are_elsewhere(covariance, *place)
    rival, contested = rivalry.rival(model, elsewhere)
    evidence = Evidence(
        nats=sight.nats,
        rival=rival,
        contested=contested,
        owed=occam_nats(known, gate.before),
        seen=sight.seen,
        explained=1 - rivalry.frame.clutter,
        beside=_seen_beside_plane(model, rivalry, gate),
        keypoints=len(frame.xy),
        is_open=model.is_open,
        is_tracked=gate.is_tracked,
    )
    wrong = false_pose_probability(evidence)
    if wrong > config.false_pose_rate:
        return _improbable(evidence, wrong, config)
    if evidence.match < gate.match:
        return Rejection(
            Category.NOT_VERIFIED,
            f"the best pose shows {evidence.seen:.0%} of the landmarks in view and explains "
            f"{evidence.explained:.0%} of the keypoints; {gate.match:.0%} are asked for together",
        )
    objection = model.view_space.objection(winner)
    if objection:
        x, y, z = (winner[:3, 3].double().cpu().numpy() + model.point_map.origin).tolist()
        return Rejection(
            Category.NOT_VERIFIED,
            f"the camera seems to be at ({x:.2f}, {y:.2f}, {z:.2f}), {objection}",
        )
    near = ~elsewhere
    covariance = with_near_modes(covariance, rivalry.twists[near], rivalry.lost[near])
    return _fix(model, rivalry, covariance, (evidence, wrong), gate.inliers, config)


def _seen_beside_plane(model: MapModel, rivalry: Rivalry, gate: Gate) -> float:
    """1 where it says nothing: where nothing is hidden, and of a camera that was found before."""
    rows = rivalry.sight.pairs[1]
    if model.is_open or not gate.is_first or len(rows) < FEWEST_OF_A_PLANE:
        return 1.0
    return seen_beside_plane(model, rivalry.T_map_camera, rivalry.frame.frustum, rows)


def _improbable(evidence: Evidence, wrong: float, config: LocalizerConfig) -> Rejection:
    odds = f"wrong with probability {wrong:.2g}, false_pose_rate is {config.false_pose_rate:g}"
    nats, rival, owed = evidence.nats, evidence.rival, evidence.owed
    if by_chance(evidence) <= config.false_pose_rate < by_a_plane(evidence):
        return Rejection(
            Category.NOT_VERIFIED,
            "the best pose explains one plane, such as a wall seen from behind or in a mirror; of "
            f"what should be in view beside it {evidence.beside:.0%} are seen; {odds}",
        )
    if nats > owed and rival > AMBIGUOUS_SHARE * nats:
        return Rejection(
            Category.AMBIGUOUS,
            f"a pose elsewhere explains the frame nearly as well: {rival:.0f} against "
            f"{nats:.0f} nats of log-likelihood ratio; {odds}",
        )
    return Rejection(
        Category.NOT_VERIFIED,
        f"the best pose has a log-likelihood ratio of {nats:.0f} nats, chance reaches "
        f"{max(owed, rival):.0f} here; {evidence.keypoints} keypoints; {odds}",
    )


def _fix(
    model: MapModel,
    rivalry: Rivalry,
    covariance: NDArray[np.float64],
    judgement: tuple[Evidence, float],
    least_inliers: int,
    config: LocalizerConfig,
) -> Fix | Rejection:
    frame = rivalry.frame
    keypoint, point, error = rivalry.sight.pairs
    if len(keypoint) < least_inliers:
        return Rejection(
            Category.NOT_VERIFIED,
            f"{len(keypoint)} inliers where {least_inliers} are asked for",
        )
    too_open = leaves_open(rivalry.depth(model), covariance, config)
    if too_open is not None:
        return too_open
    pose = rivalry.T_map_camera.double().cpu().numpy()
    pose[:3, 3] += model.point_map.origin
    return Fix(
        T_map_camera=pose,
        covariance=covariance,
        keypoint_index=keypoint,
        point_index=point,
        reprojection_error_px=float(np.sqrt(np.mean(error**2)) / frame.frustum.pixel),
        proposer=rivalry.proposer,
        log_likelihood_ratio=rivalry.sight.nats,
        evidence=judgement[0],
        false_pose_probability=judgement[1],
        keypoint_sigma_px=frame.sigma / frame.frustum.pixel,
        clutter=frame.clutter,
    )


def leaves_open(
    depth: float, covariance: NDArray[np.float64], config: LocalizerConfig
) -> Rejection | None:
    """Why a covariance (6, 6) is too large to be published; None where it is not.

    depth: how far away what the pose shows is, metres.
    """
    sigma = np.sqrt(np.diag(covariance))
    most = config.max_sigma_position * depth
    if sigma[:3].max() <= most and sigma[3:].max() <= config.max_sigma_angle:
        return None
    return Rejection(
        Category.ILL_CONDITIONED,
        f"the keypoints leave the pose open by {sigma[:3].max():.2f} m and "
        f"{np.degrees(sigma[3:].max()):.1f} deg (1 sigma)",
    )
