"""The reference of the descent, in tensors: all poses of a batch move independently.

Expectation: each keypoint is shared out among the predicted points and clutter by the measurement
model. Maximisation: one damped Gauss-Newton step on the weighted reprojection errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import Prediction, assignment, predict
from bpnp_ros.map_model.map_model import MapModel

LONGEST_STEP = (0.15, 0.5)  # depths and radians
STEPS_A_LOOK = 4
DAMPING = 1e-3  # relative
LEAST_TILT = 1e-3  # radians that no mounting is better than
FIXED = 1e12  # information that lets nothing move


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """H (P, 6, 6) and g (P, 6) of the weighted reprojection error, in units of 1 / sigma^2.

    Order (v, w): translation and rotation of the camera in its own frame.
    """

    H: Tensor
    g: Tensor

    def plus(self, other: NormalEquations) -> NormalEquations:
        return NormalEquations(self.H + other.H, self.g + other.g)


def refine_in_tensors(
    model: MapModel, T_map_camera: Tensor, frame: Frame, sigmas: list[float], most_points: int
) -> Tensor:
    """One Gauss-Newton step for each of `sigmas` (z = 1 plane) from poses (P, 4, 4).

    Which points are in view is looked up anew every STEPS_A_LOOK steps.
    """
    for first in range(0, len(sigmas), STEPS_A_LOOK):
        seen = predict(model, T_map_camera, frame.frustum, most_points)
        for sigma in sigmas[first : first + STEPS_A_LOOK]:
            share = assignment(seen, frame, sigma)
            T_map_camera, seen = gauss_newton(model, T_map_camera, seen, frame, sigma, share)
    return T_map_camera


def gauss_newton(
    model: MapModel,
    T_map_camera: Tensor,
    seen: Prediction,
    frame: Frame,
    sigma: float,
    share: Tensor,
) -> tuple[Tensor, Prediction]:
    """Poses (P, 4, 4) after one step on assignments (P, M, K), and what they see."""
    normal = normal_equations(seen, frame, sigma, share)
    if model.is_open:
        normal = normal.plus(motion_information(model, T_map_camera))
    step = _step(normal, model)
    return T_map_camera @ step, seen.moved(step)


def normal_equations(
    prediction: Prediction, frame: Frame, sigma: float, share: Tensor
) -> NormalEquations:
    """Gauss-Newton system of soft assignments (P, M, K) at each pose."""
    mass = share.sum(dim=1)
    pull = share.transpose(1, 2) @ frame.xy - mass[..., None] * prediction.xy
    J = prediction.chart.jacobian(prediction.in_camera, prediction.nearest).flatten(1, 2)
    weighted = J * mass.repeat_interleave(2, dim=1)[..., None]
    H = weighted.transpose(1, 2) @ J
    g = (J.transpose(1, 2) @ pull.flatten(1)[..., None])[..., 0]
    return NormalEquations(H / sigma**2, g / sigma**2)


def motion_information(model: MapModel, T_map_camera: Tensor) -> NormalEquations:
    """What is known of poses (P, 4, 4) beforehand: where up is in the camera, and its height.

    Few landmarks leave tilt and height open; a robot on a floor knows them.
    """
    P = len(T_map_camera)
    H, g = T_map_camera.new_zeros(P, 6, 6), T_map_camera.new_zeros(P, 6)
    motion, known = model.view_space.held, Beforehand.of(model)
    if not motion.knows_up:
        return NormalEquations(H, g)
    up, held = (torch.from_numpy(v).to(H) for v in (motion.up, motion.up_in_camera))
    seen_up = T_map_camera[:, :3, :3].transpose(1, 2) @ up
    across = torch.eye(3).to(H) - seen_up[:, :, None] * seen_up[:, None]
    H[:, 3:, 3:] = known.upright * across
    g[:, 3:] = known.upright * torch.linalg.cross(held.expand_as(seen_up), seen_up)
    error = known.height - T_map_camera[:, :3, 3] @ up
    H[:, :3, :3] = known.level * seen_up[:, :, None] * seen_up[:, None]
    g[:, :3] = known.level * seen_up * error[:, None]
    return NormalEquations(H, g)


@dataclass(frozen=True)
class Beforehand:
    """upright, level: information on a camera's tilt, 1/rad^2, and height along up, 1/m^2; 0 where
    nothing is known. height: where it should be in the recentred map, metres."""

    upright: float = 0.0
    level: float = 0.0
    height: float = 0.0

    @classmethod
    def of(cls, model: MapModel) -> Beforehand:
        """Nothing in a map that hides points: it has enough of them."""
        motion = model.view_space.held
        if not (model.is_open and motion.knows_up):
            return cls()
        low, high = model.heights
        sigma = max((high - low) / 12**0.5, 1e-3 * model.depth)
        tilt = max(motion.tilt, LEAST_TILT) / 3**0.5
        return cls(1 / tilt**2, 1 / sigma**2, 0.5 * (low + high))


def _step(normal: NormalEquations, model: MapModel) -> Tensor:
    """The damped step as transforms (P, 4, 4), its length bounded; or a turn alone."""
    depths, radians = LONGEST_STEP
    longest = normal.g.new_tensor([depths * model.depth] * 3 + [radians] * 3)
    damping = DAMPING * normal.H.diagonal(dim1=-2, dim2=-1) + 1 / longest.square()
    if model.turns_only:
        damping[:, :3] = FIXED
    step = torch.linalg.solve(normal.H + torch.diag_embed(damping), normal.g)
    step[:, :3] *= not model.turns_only
    step = step / (step / longest).norm(dim=1, keepdim=True).clamp_min(1.0)
    return make_transform(so3_exp(step[:, 3:]), step[:, :3])
