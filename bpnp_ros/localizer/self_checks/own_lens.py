"""The pose of a frame that was seen through another lens than CameraInfo says.

A wrong focal length moves a camera back or ahead, and nothing in a single lens' covariance tells.
So pose and lens are fitted together, and both answers are compared by what they explain, less what
two numbers more explain by chance and what a wrong lens is rarer than a right one. As in the gate a
nat counts for less than a nat, since keypoints are not as independent as the likelihood takes them
to be.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.poses import evidence
from bpnp_ros.localizer.evidence.covariance import (
    LENS,
    MOST_AHEAD,
    POSE,
    in_map,
    known_beforehand,
    pose_covariance,
    twists_between,
)
from bpnp_ros.localizer.evidence.neighbourhood import around
from bpnp_ros.localizer.evidence.own_noise import with_own_noise
from bpnp_ros.localizer.evidence.shown_depth import shown_depth
from bpnp_ros.localizer.evidence.sight import sight
from bpnp_ros.localizer.evidence.weights import CHANCE_OF_LEAD
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.gate import leaves_open
from bpnp_ros.localizer.over_time.step import from_twist
from bpnp_ros.localizer.self_checks.lens_error import LensError
from bpnp_ros.localizer.self_checks.lens_fit import LensFit, fit_lens
from bpnp_ros.localizer.self_checks.look import Look
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]

MOST_FITS = 6
WORTH_A_FIT = 2.0  # nats
RARE, FAR_OFF = 0.1, 0.1  # how often a lens is not as told, and how far off it is then


def with_own_lens(model: MapModel, told: Look, fix: Fix, config: LocalizerConfig) -> Fix:
    """A fix of a frame that was read as CameraInfo says, in doubt about the lens.

    Where the frame speaks for another lens by more than false_pose_rate leaves to accident, the
    pose is that through the other lens, and `Fix.lens` says which. Where it does not, the
    covariance is that of both answers together.
    """
    other = _fitted(model, told)
    known = _less_the_lens(other.sight.H, told.frame.frustum)
    known = in_map(known, other.T_map_camera) + known_beforehand(model, other.T_map_camera)
    covariance = pose_covariance(model, known, config)
    ahead = other.sight.nats - told.sight.nats - _owed(other, told.frame.frustum)
    twist = twists_between(told.T_map_camera, other.T_map_camera[None])[0]
    depth = shown_depth(model, other.T_map_camera, other.sight.pairs[1])
    is_open = leaves_open(depth, covariance, config) is not None
    is_clear = CHANCE_OF_LEAD * ahead > -math.log(config.false_pose_rate) and not is_open
    if is_clear and not model.view_space.objection(other.T_map_camera):
        mixed = _mixture(covariance, fix.covariance, twist, -ahead)
        return _moved(model, replace(fix, covariance=mixed, lens=other.lens), other)
    covariance = fix.covariance if is_open else covariance
    mixed = _mixture(fix.covariance, covariance, twist, min(ahead, MOST_AHEAD))
    return replace(fix, covariance=mixed)


def _fitted(model: MapModel, told: Look) -> Look:
    """The likeliest lens and what is seen through it.

    A pose that makes up for a wrong lens pairs some keypoints wrongly, and so may what is fitted
    from there: it is tried around, and fitted again.
    """
    best, look = None, told
    for _ in range(MOST_FITS):
        fit = fit_lens(model, look.T_map_camera, told.frame.coarse(), look.lens)
        moved = torch.from_numpy(from_twist(fit.shift)).to(look.T_map_camera)
        before, look = look, _through(model, look.T_map_camera @ moved, fit, told.frame)
        gains = look.sight.nats > before.sight.nats + WORTH_A_FIT
        best = look if gains or best is None else best
        if not gains:
            break
    assert best is not None
    return best


def _through(model: MapModel, T_map_camera: Tensor, fit: LensFit, told: Frame) -> Look:
    """The likeliest pose around one (4, 4), at the noise that another lens leaves.

    A frame that says little of its lens is seen through one that is little off.
    """
    believed = np.diag(_scale(told.frustum) ** -2)
    likeliest = np.linalg.solve(fit.information + believed, fit.information @ fit.error)
    lens = LensError(*likeliest.tolist()).unfolded(told.frustum)
    xy = torch.from_numpy(lens.undone(told.xy.cpu().numpy())).to(told.xy)
    frame = replace(told, xy=xy, frustum=lens.undone_view(told.frustum))
    start = Candidates.of(T_map_camera[None], "")
    tried = Candidates.joined([start, around(model, start, frame)]).T_map_camera
    best = evidence(model, tried, frame, frame.sigma).argmax()
    T, frame = with_own_noise(model, tried[best][None], frame)
    return Look(T[0], frame, sight(model, T[0], frame), lens, fit.information)


def _scale(view: Frustum) -> Array:
    """(2,) standard deviations of focal length and bend where a lens is not as told."""
    edge = max(abs(view.x_min), abs(view.x_max))
    return FAR_OFF * np.array([1.0, 1 / edge**2])


def _owed(look: Look, view: Frustum) -> float:
    """Nats: of a wrong lens, and of a lens that was fitted (Laplace's approximation)."""
    scale = _scale(view)
    volume = np.linalg.slogdet(np.eye(2) + scale[:, None] * look.on_lens * scale)[1]
    far_off = np.square([look.lens.focal, look.lens.bend] / scale).sum()
    return 0.5 * float(volume + far_off) - math.log(RARE)


def _less_the_lens(H: Array, view: Frustum) -> Array:
    """(6, 6) information on the pose, of (8, 8) on pose and lens."""
    on_lens = H[LENS, LENS] + np.diag(_scale(view) ** -2)
    left: Array = H[POSE, POSE] - H[POSE, LENS] @ np.linalg.solve(on_lens, H[LENS, POSE])
    return left


def _mixture(covariance: Array, other: Array, twist: Array, nats: float) -> Array:
    """(6, 6) about one pose that may also be another, `twist` (6,) away and likelier by `nats`."""
    weight = math.exp(nats)
    mixed: Array = (covariance + weight * (other + np.outer(twist, twist))) / (1 + weight)
    return mixed


def _moved(model: MapModel, fix: Fix, look: Look) -> Fix:
    """With the pose, the pairs and the noise of another look."""
    pose = look.T_map_camera.double().cpu().numpy()
    pose[:3, 3] += model.point_map.origin
    keypoint, point, error = look.sight.pairs
    pixel = look.frame.frustum.pixel
    return replace(
        fix,
        T_map_camera=pose,
        keypoint_index=keypoint,
        point_index=point,
        reprojection_error_px=float(np.sqrt(np.mean(error**2)) / pixel),
        keypoint_sigma_px=look.frame.sigma / pixel,
        clutter=look.frame.clutter,
    )
