"""The lens of one frame, fitted together with the pose: six unknowns and two more."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.compiled.inputs import compiled_lens_fit, serves
from bpnp_ros.localizer.evidence.own_noise import beforehand, noise_of
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import Prediction, assignment, keypoint_nats, predict
from bpnp_ros.localizer.over_time.step import moved_by, twist
from bpnp_ros.localizer.self_checks.lens_error import LensError
from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]

POSE, LENS = slice(0, 6), slice(6, 8)
SIGMAS = (0.045, 0.03, 0.02, 0.01)  # from coarse to fine, on the z = 1 plane
OWN_ROUNDS = 4  # at the frame's own noise
BELIEVED = 0.3  # standard deviation of both errors beforehand, at the edge of the image
TRIED = (-0.1, 0.1)  # errors of the focal length to begin with
NO_SHARE = 1e-5
MOST_POINTS = 256
LOOSE_POSE = 10.0  # depths and radians: what is not seen of the pose stays where it was


@dataclass(frozen=True, eq=False)
class LensFit:
    """What one frame says of the lens: its error (2,), and the information (2, 2) on that.

    (focal, bend) as in LensError; what the pose leaves open is taken off. The information is that
    of the frame alone. shift: (6,) by how much the pose moved with it, metres and radians in the
    camera's axes. nats: log-likelihood ratio of the frame.
    """

    error: Array
    information: Array
    shift: Array
    nats: float

    @property
    def sigma_focal(self) -> float:
        """Standard deviation of the focal length's error."""
        known, bend = self.information, max(self.information[1, 1], 1e-12)
        left = known[0, 0] - known[0, 1] ** 2 / bend
        return float(1 / np.sqrt(max(left, 1e-12)))

    @property
    def sigmas(self) -> float:
        """How many standard deviations away a right lens is."""
        squared = float(self.error @ self.information @ self.error)
        return max(squared, 0.0) ** 0.5


def fit_lens(model: MapModel, T_map_camera: Tensor, frame: Frame, start: LensError) -> LensFit:
    """The likeliest lens, from a pose (4, 4) in the recentred map and from a lens and others.

    frame: its keypoints as CameraInfo has them, its noise that of a fix. A pose that makes up for
    a wrong lens pairs keypoints wrongly; from there alone the right one would not be found.
    """
    starts = [start, *(LensError(focal) for focal in TRIED)]
    fits = [fit_lens_from(model, T_map_camera, frame, lens) for lens in starts]
    return max(fits, key=lambda fit: fit.nats)


def fit_lens_from(model: MapModel, T_map_camera: Tensor, frame: Frame, start: LensError) -> LensFit:
    """Gauss-Newton on soft assignments from one lens."""
    if not serves(model):
        return fit_lens_in_tensors(model, T_map_camera, frame, start)
    believed, sigmas = _believed(model, frame).numpy(), np.array([*SIGMAS, *[0.0] * OWN_ROUNDS])
    lens, noise = np.array([start.focal, start.bend]), beforehand(frame)
    H, lens, T, nats = compiled_lens_fit(
        model, T_map_camera, frame, lens, believed, sigmas, noise, MOST_POINTS
    )
    moved = moved_by(T_map_camera, torch.from_numpy(T))
    return LensFit(*_marginal(H, believed, lens), twist(moved), nats)


def fit_lens_in_tensors(
    model: MapModel, T_map_camera: Tensor, frame: Frame, start: LensError
) -> LensFit:
    """As `fit_lens_from`."""
    seen = predict(model, T_map_camera[None], frame.frustum, MOST_POINTS)
    believed, moved = _believed(model, frame), np.eye(4)
    lens, own = start, frame
    for sigma in (*SIGMAS, *[None] * OWN_ROUNDS):
        bent = replace(seen, xy=lens.seen(seen.xy))
        share = assignment(bent, own, sigma or own.sigma)
        own = replace(own, sigma=sigma) if sigma else noise_of(share[0], bent, frame, own)
        H, g = _normal_equations(seen, lens, share[0], own)
        g[LENS] -= believed[LENS] * g.new_tensor([lens.focal, lens.bend])
        step = torch.linalg.solve(H + torch.diag(believed), g)
        lens = LensError(lens.focal + float(step[6]), lens.bend + float(step[7]))
        by_step = _transform(step[POSE])
        seen, moved = seen.moved(by_step.to(seen.xy)[None]), moved @ by_step.cpu().numpy()
    known, found = (H.cpu().numpy(), believed.cpu().numpy()), np.array([lens.focal, lens.bend])
    bent = replace(seen, xy=lens.seen(seen.xy))
    nats = float(keypoint_nats(bent, frame, frame.sigma).sum())
    return LensFit(*_marginal(*known, found), twist(moved), nats)


def _believed(model: MapModel, frame: Frame) -> Tensor:
    """(8,) information beforehand: next to none on the pose, little on the lens."""
    view = frame.frustum
    edge = max(abs(view.x_min), abs(view.x_max))
    pose = [LOOSE_POSE * model.depth] * 3 + [LOOSE_POSE] * 3
    if model.turns_only:
        pose[:3] = [1e-6] * 3
    return torch.tensor([*pose, BELIEVED, BELIEVED / edge**2], dtype=torch.float64).pow(-2)


def _normal_equations(
    seen: Prediction, lens: LensError, share: Tensor, frame: Frame
) -> tuple[Tensor, Tensor]:
    """H (8, 8) and g (8,) of assignments (M, K), the pose in the camera's own frame."""
    row, column = (share > NO_SHARE).nonzero(as_tuple=True)
    weight = share[row, column].double() / frame.sigma**2
    xy = seen.xy[0, column].double()
    square = xy.square().sum(dim=1)[:, None, None]
    outward = xy[:, :, None]
    bent = (1 + lens.focal + lens.bend * square) * torch.eye(2).to(xy)
    bent = bent + 2 * lens.bend * outward @ outward.transpose(1, 2)
    by_pose = bent @ seen.chart.jacobian(seen.in_camera[0, column].double(), seen.nearest)
    J = torch.cat([by_pose, outward, square * outward], dim=2)
    error = frame.xy[row].double() - lens.seen(xy)
    H = torch.einsum("n,nki,nkj->ij", weight, J, J)
    g = torch.einsum("n,nki,nk->i", weight, J, error)
    return H, g


def _transform(step: Tensor) -> Tensor:
    return make_transform(so3_exp(step[3:]), step[:3])


def _marginal(H: Array, believed: Array, lens: Array) -> tuple[Array, Array]:
    """What is left for the lens once the pose has taken its share (Schur's complement)."""
    pose = H[POSE, POSE] + np.diag(believed[POSE])
    S = H[LENS, LENS] - H[LENS, POSE] @ np.linalg.solve(pose, H[POSE, LENS])
    prior = np.diag(believed[LENS])
    alone = np.linalg.solve(S + 1e-9 * prior, (S + prior) @ lens)
    return alone.astype(np.float64), S
