"""The step that pulls a pose onto the keypoints: its direction, its length, what it knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from halls import CONFIG, closed_hall, frame_at, open_hall, recentred, standing

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.localizer.compiled import inputs
from bpnp_ros.localizer.descent import gauss_newton
from bpnp_ros.localizer.descent.gauss_newton import (
    motion_information,
    normal_equations,
    refine_in_tensors,
)
from bpnp_ros.localizer.descent.local_optimisation import ALL_WAYS_REACH, perturb, polish
from bpnp_ros.localizer.descent.poses import refine
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import ALL, assignment, explained, predict
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.point_map.point_map import PointMap

HERE = standing(10, 6, 0.4)
Step = Callable[[MapModel, torch.Tensor, Frame, list[float], int], torch.Tensor]


def some_frame(seed: int = 0) -> Frame:
    return frame_at(HERE, np.random.default_rng(seed), missed=0.1, clutter=0.3)


def step(along: int, length: float) -> torch.Tensor:
    """(1, 4, 4) along one of x, y, z, rx, ry, rz of the camera."""
    v = torch.zeros(1, 6, dtype=torch.float64)
    v[0, along] = length
    return make_transform(so3_exp(v[:, 3:]), v[:, :3])


def off(pose: torch.Tensor, v: list[float], w: list[float]) -> torch.Tensor:
    return pose @ make_transform(so3_exp(torch.tensor([w])), torch.tensor([v]))


@pytest.mark.parametrize("sigma", [0.02, 0.08])
def test_a_step_follows_the_gradient_of_the_log_likelihood(sigma: float) -> None:
    frame = some_frame()
    frame = replace(frame, xy=frame.xy.double())
    pose = off(recentred(closed_hall(), HERE), [0.05, -0.02, 0.1], [0.01, 0.02, 0.0])
    seen = predict(closed_hall(), pose, frame.frustum)
    xy, weight, in_camera = seen.xy.double(), seen.weight.double(), seen.in_camera.double()
    seen = replace(
        seen, xy=xy, weight=weight, in_camera=in_camera, R_camera_map=seen.R_camera_map.double()
    )
    g = normal_equations(seen, frame, sigma, assignment(seen, frame, sigma)).g[0]
    for along in range(6):
        ahead, behind = (
            explained(seen.moved(step(along, h)), frame, sigma)[0].sum(dim=1).log1p().sum()
            for h in (1e-5, -1e-5)
        )
        assert float(g[along]) == pytest.approx(float((ahead - behind) / 2e-5), rel=1e-3, abs=1e-2)


def test_what_is_known_of_the_mounting_pulls_a_camera_upright_and_to_its_height() -> None:
    model = open_hall()
    pose = off(recentred(model, HERE), [0.0, -0.3, 0.0], [0.1, 0.0, 0.05])
    known = motion_information(model, pose)
    down = known.g[0, :3] @ torch.tensor([0.0, 1.0, 0.0])  # the camera's y points down
    assert down > 0
    righted = pose @ make_transform(
        so3_exp(torch.linalg.pinv(known.H[0, 3:, 3:]) @ known.g[0, 3:])[None], torch.zeros(1, 3)
    )
    assert righted[0, 2, 1] == pytest.approx(-1, abs=1e-3)
    assert pose[0, 2, 1] > -0.995


@pytest.mark.parametrize("step", [refine, refine_in_tensors])
@pytest.mark.parametrize("size", [0.01, 100.0])
def test_steps_are_as_long_in_a_map_of_any_size(size: float, step: Step) -> None:
    ends = [
        step(_enlarged(closed_hall(), by), _aside(by), some_frame(), [0.08, 0.05], ALL)
        for by in (1.0, size)
    ]
    ends[1][:, :3, 3] /= size
    metres, radians = apart(ends[0], ends[1][0])
    assert float(metres) < 1e-4 and float(radians) < 1e-4


@pytest.mark.parametrize("step", [refine, refine_in_tensors])
def test_no_step_is_longer_than_is_allowed(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = (0.002, 0.004)
    for room in (gauss_newton, inputs):
        monkeypatch.setattr(room, "LONGEST_STEP", allowed)
    monkeypatch.setattr(inputs, "_helds", {})
    metres, radians = apart(
        step(closed_hall(), _aside(1.0), some_frame(), [0.05], ALL), _aside(1.0)[0]
    )
    length = torch.hypot(metres / (allowed[0] * closed_hall().depth), radians / allowed[1])
    assert float(length) == pytest.approx(1, abs=0.01)


def _aside(size: float) -> torch.Tensor:
    """A pose (1, 4, 4) beside the true one in a hall so much larger."""
    pose = off(recentred(closed_hall(), HERE), [0.3, 0.0, 0.3], [0.0, 0.02, 0.0])
    pose[:, :3, 3] *= size
    return pose


def _enlarged(model: MapModel, factor: float) -> MapModel:
    space, small = model.places, model.point_map
    points = PointMap((small.points * factor), small.origin, small.detectability)
    anchors, reach = space.anchors * factor, space.reach * factor
    return MapModel(points, ViewSpace(anchors, space.seen, space.chance, reach, space.tilt))


@pytest.mark.parametrize("model", [open_hall(), closed_hall()], ids=["open", "closed"])
def test_a_pose_a_decimetre_off_is_pulled_onto_the_keypoints(model: MapModel) -> None:
    truth = recentred(model, HERE)
    start = off(truth, [0.08, 0.02, 0.06], [0.01, 0.02, -0.01])
    end = polish(model, Candidates.of(start, "test"), some_frame()).T_map_camera
    metres, radians = apart(end, truth[0])
    assert float(metres) < 0.03 and float(radians) < 0.005


def test_a_polished_pose_has_arrived() -> None:
    frame, start = some_frame(), off(recentred(closed_hall(), HERE), [0.08, 0, 0], [0.0, 0.02, 0])
    end = polish(closed_hall(), Candidates.of(start, "test"), frame).T_map_camera
    metres, radians = apart(refine(closed_hall(), end, frame, [frame.sigma]), end[0])
    assert float(metres) < 1e-4 and float(radians) < 1e-5


def test_poses_are_tried_all_around_as_far_as_the_map_s_depth_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "bpnp_ros.localizer.descent.local_optimisation.coarse_to_fine",
        lambda model, candidates, frame, stages: candidates,
    )
    model = closed_hall()
    centre = Candidates.of(recentred(model, HERE), "test")
    around = perturb(model, centre, some_frame(), CONFIG.seed).T_map_camera
    offset = (torch.linalg.inv(centre.T_map_camera) @ around)[:, :3, 3]
    reach = model.depth * torch.tensor(ALL_WAYS_REACH[:3])
    assert (offset.abs() <= reach).all()
    assert (offset.amax(dim=0) > 0.7 * reach).all() and (offset.amin(dim=0) < -0.7 * reach).all()
    _, turned = apart(around, centre.T_map_camera[0])
    assert 0.1 < float(turned.max()) < 0.25
