"""The compiled loops say what the measurement model and its descent say in tensors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.chart import EQUIDISTANT, PINHOLE, Chart
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import invert, make_transform, transform_points
from bpnp_ros.localizer.compiled import inputs
from bpnp_ros.localizer.cues.orientation import Aims
from bpnp_ros.localizer.descent.distinct import distinct, distinct_in_tensors
from bpnp_ros.localizer.descent.gauss_newton import refine_in_tensors
from bpnp_ros.localizer.descent.poses import evidence, refine
from bpnp_ros.localizer.evidence.own_noise import own_noise_in_tensors, with_own_noise
from bpnp_ros.localizer.evidence.sight import sight, sight_in_tensors
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import ALL, log_likelihood_ratio, predict
from bpnp_ros.localizer.proposers.glance import glance
from bpnp_ros.localizer.proposers.views.frame_field import FrameField
from bpnp_ros.localizer.self_checks.lens_error import LensError
from bpnp_ros.localizer.self_checks.lens_fit import fit_lens_from, fit_lens_in_tensors
from bpnp_ros.map_model.from_points import model_from_points
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.point_map.point_map import PointMap

CPU = torch.device("cpu")
NARROW = Frustum(-0.8, 0.8, -0.6, 0.6, 1 / 400)
FISHEYE = Frustum(-1.9, 1.9, -1.4, 1.4, 1 / 300, EQUIDISTANT)
FEW, DENSE = 120, 3000
TRUTH = make_transform(so3_exp(torch.tensor([[0.1, -0.2, 0.05]])), torch.tensor([[0.3, 0.1, -0.2]]))


def a_cloud(rng: np.random.Generator, count: int, around: bool) -> PointMap:
    """Before the camera at the origin, or all around it."""
    points = rng.uniform((-4, -3, 2), (4, 3, 8), (count, 3))
    if around:
        points = rng.normal(size=(count, 3)) * 5
    chance = rng.uniform(0.2, 1.0, count).astype(np.float32)
    return PointMap(points.astype(np.float32), np.zeros(3), chance)


def open_map(rng: np.random.Generator, motion: str, around: bool, count: int) -> MapModel:
    config = LocalizerConfig(motion=motion, up="-y", camera_tilt=0.4)
    config = replace(config, camera_height_min=-1.0, camera_height_max=1.0)
    return model_from_points(a_cloud(rng, count, around), config, CPU)


def closed_map(rng: np.random.Generator, around: bool, count: int, turned: bool) -> MapModel:
    """Of some places, each of which sees half of the points; turned: photographs' places."""
    point_map = a_cloud(rng, count, around)
    seen = np.stack([rng.permutation(count)[: count // 2] for _ in range(5)])
    chance = rng.uniform(0.05, 1.0, seen.shape).astype(np.float32)
    chance[:, -5:] = 0  # padding
    places = torch.from_numpy(rng.normal(0, 0.3, (5, 3))).float()
    turns = so3_exp(torch.from_numpy(rng.normal(0, 0.1, (5, 3))).float()) if turned else None
    tables = torch.from_numpy(seen), torch.from_numpy(chance)
    return MapModel(point_map, ViewSpace(places, *tables, torch.ones(3), 0.5, turns))


def shown(model: MapModel, frustum: Frustum, rng: np.random.Generator, most: int) -> Frame:
    """Some of what the true pose sees, and clutter."""
    in_camera = transform_points(invert(TRUTH), model.points)[0]
    u, v = frustum.chart.image(in_camera.unbind(-1), 0.1)
    xy = torch.stack([u, v], dim=1)[frustum.chart.shows(in_camera.unbind(-1), 0.1)].numpy()
    xy = rng.permutation(xy[frustum.contains(xy)])[:most]
    noise = rng.normal(0, frustum.pixel, xy.shape)
    low, high = (frustum.x_min, frustum.y_min), (frustum.x_max, frustum.y_max)
    clutter = rng.uniform(low, high, (len(xy) // 2, 2))
    keypoints = torch.from_numpy(np.concatenate([xy + noise, clutter])).float()
    return Frame(keypoints, torch.ones(len(keypoints)), frustum, 1.5 * frustum.pixel, 0.4)


def beside(count: int = 12) -> Tensor:
    """Poses from on the spot to a decimetre and three degrees off."""
    generator = torch.Generator().manual_seed(3)
    offset = torch.linspace(0, 1, count)[:, None] * torch.randn(count, 6, generator=generator)
    return TRUTH @ make_transform(so3_exp(0.05 * offset[:, 3:]), 0.1 * offset[:, :3])


def frames(model: MapModel, frustum: Frustum, rng: np.random.Generator) -> list[Frame]:
    """As it is, crowded, and with cues."""
    plain = shown(model, frustum, rng, 80)
    told = torch.from_numpy(rng.normal(0, 1.5, (len(plain.xy), len(model.points)))).float()
    with_cues = replace(plain.with_crowding(), pairs=told, aims=some_aims(model, plain, rng))
    return [plain, plain.with_crowding(), with_cues]


def some_aims(model: MapModel, frame: Frame, rng: np.random.Generator) -> Aims:
    """Orientations of keypoints and points, every fifth unknown."""
    shown, directions = rng.normal(size=(len(frame.xy), 3)), rng.normal(size=(len(model.points), 3))
    shown[::5], directions[::5] = 0, 0
    return Aims(torch.from_numpy(0.4 * shown).float(), torch.from_numpy(directions).float())


WORLDS: dict[str, tuple[Callable[[np.random.Generator, bool], MapModel], Chart]] = {
    "few landmarks": (lambda rng, around: open_map(rng, "level", around, FEW), PINHOLE),
    "few landmarks, any pose": (
        lambda rng, around: open_map(rng, "free", around, FEW),
        EQUIDISTANT,
    ),
    "places": (lambda rng, around: closed_map(rng, around, FEW, False), EQUIDISTANT),
    "a dense map": (lambda rng, around: closed_map(rng, around, DENSE, False), PINHOLE),
    "photographs": (lambda rng, around: closed_map(rng, around, DENSE, True), EQUIDISTANT),
}


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> tuple[MapModel, list[Frame]]:
    make, chart = WORLDS[request.param]
    rng = np.random.default_rng(len(request.param))
    model = make(rng, chart is EQUIDISTANT)
    return model, frames(model, view_of(chart), rng)


def view_of(chart: Chart) -> Frustum:
    return FISHEYE if chart is EQUIDISTANT else NARROW


def test_a_frame_that_is_looked_up_says_the_same(world: tuple[MapModel, list[Frame]]) -> None:
    model, looks = world
    for frame in looks:
        field = FrameField.of(model, frame)
        expected = field.nats_in_tensors(beside())
        assert torch.allclose(field.nats(beside()), expected, atol=0.01, rtol=1e-3)


@pytest.mark.parametrize("most", [ALL, 50])
def test_evidence_is_the_reference_s(world: tuple[MapModel, list[Frame]], most: int) -> None:
    model, looks = world
    for frame in looks:
        for sigma in (0.1, 0.03, frame.sigma):
            expected = log_likelihood_ratio(
                predict(model, beside(), frame.frustum, most), frame, sigma
            )
            assert torch.allclose(
                evidence(model, beside(), frame, sigma, most), expected, atol=0.02, rtol=1e-3
            )


@pytest.mark.parametrize("sigmas", [[0.08], [0.06, 0.05, 0.04, 0.03], [0.02, 0.01, 0.005] * 2])
def test_poses_go_where_the_reference_s_go(
    world: tuple[MapModel, list[Frame]], sigmas: list[float]
) -> None:
    model, looks = world
    for frame in looks:
        expected = refine_in_tensors(model, beside(), frame, sigmas, ALL)
        moved = (expected - beside()).abs().amax(dim=(1, 2))
        missed = (refine(model, beside(), frame, sigmas) - expected).abs().amax(dim=(1, 2))
        assert float(moved.max()) > 0.005
        assert float(missed.median()) < 2e-5 and float((missed / (moved + 0.01)).max()) < 0.05


def test_a_crowd_of_keypoints_is_seen_as_the_reference_sees_it() -> None:
    rng = np.random.default_rng(2)
    model = closed_map(rng, False, DENSE, False)
    frame, poses = shown(model, NARROW, rng, 400), beside(3)
    seen = predict(model, poses, frame.frustum)
    assert len(frame.xy) > 500
    for sigma in (0.05, 0.01):
        expected = log_likelihood_ratio(seen, frame, sigma)
        assert torch.allclose(evidence(model, poses, frame, sigma), expected, rtol=1e-3)
        moved = refine_in_tensors(model, poses, frame, [sigma], ALL)
        assert torch.allclose(refine(model, poses, frame, [sigma]), moved, atol=1e-5)


def test_landmarks_at_infinity_turn_the_camera_and_do_not_move_it() -> None:
    rng = np.random.default_rng(0)
    model = model_from_points(rng.normal(size=(200, 3)), LocalizerConfig(motion="rotation"), CPU)
    frame = shown(model, NARROW, rng, 40)
    starts = beside()
    starts[:, :3, 3] = 0
    expected = refine_in_tensors(model, starts, frame, [0.03, 0.02, 0.01], ALL)
    found = refine(model, starts, frame, [0.03, 0.02, 0.01])
    assert torch.equal(found[:, :3, 3], starts[:, :3, 3])
    assert torch.allclose(found, expected, atol=2e-4)


def test_a_processor_without_numba_does_the_same_in_tensors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    model = closed_map(rng, False, FEW, False)
    frame = shown(model, NARROW, rng, 60)
    compiled = evidence(model, beside(), frame, 0.02), refine(model, beside(), frame, [0.02])
    monkeypatch.setattr(inputs, "is_installed", lambda: False)
    monkeypatch.setattr("bpnp_ros.localizer.descent.poses._CHUNK", 5 * len(frame.xy) * FEW)
    in_tensors = evidence(model, beside(), frame, 0.02), refine(model, beside(), frame, [0.02])
    assert torch.allclose(compiled[0], in_tensors[0], rtol=1e-3)
    assert torch.allclose(compiled[1], in_tensors[1], atol=1e-5)
    assert not torch.equal(compiled[0], in_tensors[0])


def test_a_frame_s_own_noise_is_the_reference_s(world: tuple[MapModel, list[Frame]]) -> None:
    model, looks = world
    for frame in looks:
        believed = replace(frame, sigma=2 * frame.sigma)
        T, own = with_own_noise(model, TRUTH, believed)
        T_expected, expected = own_noise_in_tensors(model, TRUTH, believed)
        assert own.sigma == pytest.approx(expected.sigma, rel=1e-3)
        assert own.clutter == pytest.approx(expected.clutter, abs=1e-3)
        assert torch.allclose(T, T_expected, atol=1e-4)
        assert own.sigma < believed.sigma


def test_what_a_pose_shows_is_what_the_reference_shows(
    world: tuple[MapModel, list[Frame]],
) -> None:
    model, looks = world
    for frame in looks:
        found = sight(model, TRUTH[0], frame)
        expected = sight_in_tensors(predict(model, TRUTH, frame.frustum), frame)
        scale = np.sqrt(np.outer(expected.H.diagonal(), expected.H.diagonal()))
        assert np.abs((found.H - expected.H) / scale).max() < 1e-3
        assert np.abs((found.g - expected.g) / np.sqrt(scale.diagonal())).max() < 1e-2
        assert found.seen == pytest.approx(expected.seen, rel=1e-3)
        assert found.nats == pytest.approx(expected.nats, rel=1e-3)
        assert np.allclose(found.keypoint_nats, expected.keypoint_nats, atol=0.02)
        assert len(found.pairs[0]) > 20
        for of_one, of_other in zip(found.pairs, expected.pairs, strict=True):
            assert np.allclose(of_one, of_other, atol=1e-5)


def test_a_frame_s_lens_is_the_reference_s(world: tuple[MapModel, list[Frame]]) -> None:
    model, looks = world
    for frame in looks[:2]:
        bent = replace(frame, xy=LensError(0.02, 0.01).seen(frame.xy))
        found = fit_lens_from(model, TRUTH[0], bent, LensError())
        expected = fit_lens_in_tensors(model, TRUTH[0], bent, LensError())
        sigmas = 1 / np.sqrt(expected.information.diagonal())
        assert (np.abs(found.error - expected.error) < 0.05 * sigmas).all()
        assert np.allclose(found.information, expected.information, rtol=0.02)
        assert np.abs(found.shift - expected.shift).max() < 0.01


@pytest.mark.parametrize("most", [3, 200])
def test_poses_are_as_distinct_as_the_reference_says(most: int) -> None:
    poses = beside(200)[torch.randperm(200)]
    found, expected = distinct(poses, 0.1, 0.05, most), distinct_in_tensors(poses, 0.1, 0.05, most)
    assert torch.equal(found, expected) and 2 < len(found) < 150


def test_products_with_halves_are_exact() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(50, 96, generator=generator).half()
    rows[0], rows[1, ::2] = 0, 3e-6  # denormal
    vector = torch.rand(96, generator=generator)
    expected = rows.double() @ vector.double()
    found = inputs.products_with_halves(rows, vector).double()
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_machine_code_is_made_anew_when_what_it_calls_has_changed(tmp_path: Path) -> None:
    function = (
        "from bpnp_ros.backends.numba import compiled\n{}\n@compiled\ndef {}(x):\n    return {}\n"
    )
    (tmp_path / "outer.py").write_text(
        function.format("from inner import inner", "outer", "inner(x)")
    )
    found = []
    for power in (2, 3):
        (tmp_path / "inner.py").write_text(function.format("", "inner", f"x**{power}"))
        asked = [sys.executable, "-c", "from outer import outer; print(outer(5))"]
        done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True)
        found.append(done.stdout.strip())
    assert found == ["25", "125"]


@pytest.mark.parametrize("view", [NARROW, FISHEYE])
def test_a_glance_likes_the_pose_that_the_keypoints_were_seen_from(view: Frustum) -> None:
    rng = np.random.default_rng(5)
    model = open_map(rng, "free", view is FISHEYE, FEW)
    x, y = view.chart.image(transform_points(invert(TRUTH[0]), model.points).unbind(-1), 0.1)
    xy = torch.stack([x, y], dim=1)[torch.from_numpy(view.contains(torch.stack([x, y], 1).numpy()))]
    frame = Frame(xy[:14], torch.ones(14), view, 0.003, 0.2)
    turns = so3_exp(torch.from_numpy(rng.normal(scale=0.5, size=(500, 3))).float())
    others = make_transform(turns, torch.from_numpy(rng.normal(size=(500, 3))).float())
    bits = glance(model, torch.cat([others, TRUTH]), frame, 0.009)
    assert int(bits.argmax()) == 500 and bits[500] > 1.5 * bits[:500].max()
