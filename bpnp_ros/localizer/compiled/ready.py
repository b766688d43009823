"""Compiling beforehand what the first frames need."""

from __future__ import annotations

import torch

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.localizer.compiled.inputs import serves
from bpnp_ros.localizer.descent.poses import evidence, refine
from bpnp_ros.localizer.evidence.own_noise import with_own_noise
from bpnp_ros.localizer.evidence.sight import sight
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.self_checks.lens_error import LensError
from bpnp_ros.localizer.self_checks.lens_fit import fit_lens
from bpnp_ros.map_model.map_model import MapModel


def make_ready(model: MapModel, frustum: Frustum) -> None:
    """Some seconds, once for a machine and version; then it is found compiled."""
    corner = torch.tensor([[frustum.x_min, frustum.y_min]])
    frame = Frame(corner, torch.ones(1), frustum, frustum.pixel, 0.5)
    if serves(model):
        pose = refine(model, model.some_poses[:1], frame, [frame.sigma])
        evidence(model, pose, frame, frame.sigma)
        with_own_noise(model, pose, frame)
        sight(model, pose[0], frame)
        fit_lens(model, pose[0], frame, LensError())
