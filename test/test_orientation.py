"""Which way a feature points counts as the pose turns it, and never misleads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from orbit import CAMERA, orbit

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.transform import invert
from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.keypoints.lens import image_frustum
from bpnp_ros.localizer.cues.orientation import ASIDE
from bpnp_ros.localizer.cues.pairs import MapCues
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.measurement import explained, predict
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.from_photographs import model_from_photographs
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.point_map.sfm.cue_noise import cue_noise
from bpnp_ros.point_map.sfm.orientation import point_directions
from bpnp_ros.point_map.sfm.sfm_model import SfmModel

POINTS = 200
CONFIG = LocalizerConfig(bank_views=2000, use_bpnpnet=False)


def seen_angle(T_map_camera: np.ndarray, points: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Angles (K,) in the image at which small arrows (K, 3) at points (K, 3) are seen."""
    ends = []
    for some in (points, points + 1e-5 * along):
        in_camera = (some - T_map_camera[:3, 3]) @ T_map_camera[:3, :3]
        ends.append(in_camera[:, :2] / in_camera[:, 2:])
    return np.arctan2(*(ends[1] - ends[0]).T[::-1])


def oriented(noise: float = 0.0) -> SfmModel:
    """Features of a thing walked around, on surfaces that face the middle of the walk."""
    plain, rng = orbit(points=POINTS), np.random.default_rng(1)
    along = rng.normal(size=(POINTS, 2)) @ plain.T_map_camera[12, :3, :2].T
    shown = np.where(plain.keypoint_point < 0, 0, plain.keypoint_point)
    angle = np.empty(len(shown))
    for image, T in enumerate(plain.T_map_camera):
        rows = slice(plain.keypoint_offsets[image], plain.keypoint_offsets[image + 1])
        angle[rows] = seen_angle(T, plain.points[shown[rows]], along[shown[rows]])
    clutter = plain.keypoint_point < 0
    angle[clutter] = rng.uniform(-np.pi, np.pi, clutter.sum())
    angle += rng.normal(0, noise, len(angle))
    return replace(plain, keypoint_cues={"angle": angle.astype(np.float32)})


def photograph(scene: SfmModel, image: int, turned: float = 0.0) -> Keypoints:
    """Its keypoints; turned: the camera rolled by so much, rad."""
    xy, _ = scene.keypoints_of(image)
    rows = slice(scene.keypoint_offsets[image], scene.keypoint_offsets[image + 1])
    c, s = np.cos(turned), np.sin(turned)
    xy = (xy @ np.array([[c, -s], [s, c]])).astype(np.float32)
    angle = scene.keypoint_cues["angle"][rows] - np.float32(turned)
    ones, index = np.ones(len(xy), np.float32), np.arange(len(xy))
    return Keypoints(xy, ones, index, image_frustum(CAMERA), cues={"angle": angle})


def rolled(T_map_camera: np.ndarray, turned: float) -> np.ndarray:
    c, s = np.cos(turned), np.sin(turned)
    T = T_map_camera.copy()
    T[:3, :3] = T[:3, :3] @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return T


@pytest.fixture(scope="module")
def scene() -> SfmModel:
    return oriented(noise=0.05)


@pytest.fixture(scope="module")
def mapped(scene: SfmModel) -> MapModel:
    return model_from_photographs(scene.with_images(np.arange(1, 24)))


def true_pairs(scene: SfmModel, image: int) -> tuple[np.ndarray, np.ndarray]:
    _, shown = scene.keypoints_of(image)
    keypoint = np.flatnonzero(shown >= 0)
    return keypoint, shown[keypoint]


def nats(
    model: MapModel, keypoints: Keypoints, T: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """What orientations say of pairs (K,) at a pose."""
    fix = Fix(T, np.eye(6), *pairs, 0.5, "truth", 90.0, 0.0)
    told = MapCues(model).directions
    assert told is not None
    return told.told(keypoints, fix).numpy()


@pytest.mark.parametrize("turned", [0.0, 0.4, 1.6, 3.1])
def test_orientations_speak_for_true_pairs_however_the_camera_is_rolled(
    scene: SfmModel, mapped: MapModel, turned: float
) -> None:
    keypoints, T = photograph(scene, 0, turned), rolled(scene.T_map_camera[0], turned)
    true = nats(mapped, keypoints, T, true_pairs(scene, 0))
    assert np.mean(true) > 0.8
    keypoint, point = true_pairs(scene, 0)
    others = [nats(mapped, keypoints, T, (keypoint, np.roll(point, by))) for by in range(1, 40)]
    wrong = np.concatenate(others)
    assert np.mean(wrong) < 0 and wrong.min() >= np.log(ASIDE) - 1e-5
    assert np.exp(wrong).mean() == pytest.approx(1, abs=0.25)  # says nothing of random pairs


def test_a_pose_that_is_rolled_otherwise_turns_them_against_itself(
    scene: SfmModel, mapped: MapModel
) -> None:
    upside_down = rolled(scene.T_map_camera[0], np.pi)
    assert np.mean(nats(mapped, photograph(scene, 0), upside_down, true_pairs(scene, 0))) < -0.5


def test_the_measurement_model_asks_what_is_told(scene: SfmModel, mapped: MapModel) -> None:
    T, keypoints = scene.T_map_camera[0], photograph(scene, 0)
    centred = T.copy()
    centred[:3, 3] -= mapped.point_map.origin
    aims = MapCues(mapped).aims(keypoints)
    frame = Frame.of(keypoints, 1.3, 0.5, torch.device("cpu"))
    seen = predict(mapped, torch.from_numpy(centred)[None].float(), frame.frustum)
    turned = explained(seen, replace(frame, aims=aims), frame.sigma) / explained(
        seen, frame, frame.sigma
    )
    keypoint, point = np.repeat(np.arange(20), 30), seen.point[0, :30].numpy()
    told = nats(mapped, keypoints, T, (keypoint, np.tile(point, 20)))
    assert np.allclose(turned[0, :20, :30].log().flatten(), told, atol=1e-2)


@pytest.mark.parametrize("unknown", ["keypoints", "map", "both"])
def test_what_is_unknown_says_nothing(scene: SfmModel, mapped: MapModel, unknown: str) -> None:
    keypoints, model = photograph(scene, 0), mapped
    if unknown != "map":
        nowhere = np.full(len(keypoints), np.nan, np.float32)
        keypoints = replace(keypoints, cues={"angle": nowhere})
    if unknown != "keypoints":
        blank = {"angle": np.full((POINTS, 3), np.nan, np.float32)}
        model = replace(mapped, point_map=replace(mapped.point_map, cues=blank))
    said = nats(model, keypoints, scene.T_map_camera[0], true_pairs(scene, 0))
    assert np.abs(said).max() < 1e-6
    without = {"angle": keypoints.cues["angle"]} if unknown == "map" else {}
    assert MapCues(mapped).aims(replace(keypoints, cues={})) is None
    bare = replace(mapped, point_map=replace(mapped.point_map, cues={}))
    assert MapCues(bare).aims(replace(keypoints, cues=without)) is None


def test_orientations_that_are_all_alike_add_nothing(scene: SfmModel, mapped: MapModel) -> None:
    keypoints = photograph(scene, 0)
    alike = replace(keypoints, cues={"angle": np.zeros(len(keypoints), np.float32)})
    said = nats(mapped, alike, scene.T_map_camera[0], true_pairs(scene, 0))
    assert said.max() < 1e-3


def test_directions_are_those_of_the_arrows(scene: SfmModel) -> None:
    exact = oriented()
    directions = point_directions(exact)
    known = np.flatnonzero(np.isfinite(directions).all(axis=1))
    assert len(known) > 0.5 * POINTS
    keypoint, point = true_pairs(exact, 3)
    keep = np.isin(point, known)
    T, angle = exact.T_map_camera[3], photograph(exact, 3).cues["angle"][keypoint[keep]]
    off = seen_angle(T, exact.points[point[keep]], directions[point[keep]]) - angle
    assert np.median(np.abs(np.angle(np.exp(1j * off)))) < 0.15


def test_the_photographs_say_how_noisy_orientations_are() -> None:
    noises = [float(cue_noise(oriented(noise))["angle"][0]) for noise in (0.02, 0.15)]
    assert noises[0] < 0.1 < noises[1] < 0.3


@pytest.mark.parametrize("turned", [0.0, np.pi / 2])
def test_orientations_turned_by_another_convention_give_no_wrong_pose(
    scene: SfmModel, mapped: MapModel, turned: float
) -> None:
    keypoints, truth = photograph(scene, 0), scene.T_map_camera[0]
    angle = keypoints.cues["angle"] + np.float32(turned)
    answer = Localizer(mapped, None, CONFIG).localize(replace(keypoints, cues={"angle": angle}))
    if turned == 0.0:
        assert isinstance(answer, Fix)
    if isinstance(answer, Fix):
        apart = invert(torch.from_numpy(truth)).numpy() @ answer.T_map_camera
        assert np.linalg.norm(apart[:3, 3]) < 0.1
        assert answer.disagreeing == (["angle"] if turned else [])
