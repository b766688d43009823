"""Maps of few landmarks that all look alike: a camera finds itself where it can, and only there."""

from __future__ import annotations

import numpy as np
import pytest
from landmarks import CAMERA, ceiling_lamps, held, reflectors, report

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.errors import ConfigError, MapError
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.types import Category, Fix, Rejection

FLOOR = LocalizerConfig(motion="floor")


def under_lamps(height: tuple[float, float] = (0.45, 0.55), **more: object) -> LocalizerConfig:
    return LocalizerConfig(
        motion="floor",
        camera_mounting="up",
        camera_height_min=height[0],
        camera_height_max=height[1],
        **more,  # type: ignore[arg-type]
    )


def lamp_frames(count: int, seed: int) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Lamps, and frames (T_map_camera, pixels) of a camera that looks up at six or more."""
    rng = np.random.default_rng(seed)
    lamps, frames = ceiling_lamps(rng), list[tuple[np.ndarray, np.ndarray]]()
    while len(frames) < count:
        position = np.append(rng.uniform([2, 2], [18, 10]), 0.5)
        T = held("up", rng.uniform(-np.pi, np.pi), position, 0.005 * rng.normal(size=2))
        if len(report(lamps, T, rng, missed=0, clutter=0)) >= 6:
            frames.append((T, report(lamps, T, rng)))
    return lamps, frames


def errors(answers: list[Fix | Rejection], truth: list[np.ndarray]) -> list[float]:
    """Metres, of the answers that are poses."""
    pairs = zip(answers, truth, strict=True)
    return [
        float(np.linalg.norm(answer.T_map_camera[:3, 3] - T[:3, 3]))
        for answer, T in pairs
        if isinstance(answer, Fix)
    ]


def test_a_camera_that_looks_up_finds_itself_below_lamps() -> None:
    lamps, frames = lamp_frames(8, seed=1)
    localizer = Localizer.from_map(lamps, config=under_lamps())
    found = errors([localizer.localize(p, CAMERA) for _, p in frames], [T for T, _ in frames])
    assert len(found) >= 7 and max(found) < 0.15
    assert localizer.proposers == ["minimal_sets"]


def test_reflectors_in_a_hall_are_enough() -> None:
    rng = np.random.default_rng(2)
    walls = reflectors(rng)
    config = LocalizerConfig(motion="floor", camera_height_min=1.1, camera_height_max=1.3)
    localizer = Localizer.from_map(walls, config=config)
    poses = [
        held("forward", yaw, np.append(rng.uniform([5, 5], [35, 20]), 1.2), np.zeros(2))
        for yaw in rng.uniform(-np.pi, np.pi, 4)
    ]
    found = errors([localizer.localize(report(walls, T, rng), CAMERA) for T in poses], poses)
    assert len(found) >= 3 and max(found) < 0.5


def test_up_may_be_any_direction_once_it_is_told() -> None:
    lamps, frames = lamp_frames(4, seed=3)
    turn = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])  # z up becomes y down
    localizer = Localizer.from_map(lamps @ turn, config=under_lamps(up="-y"))
    answers = [localizer.localize(pixels, CAMERA) for _, pixels in frames]
    turned = [np.block([[turn.T @ T[:3, :3], turn.T @ T[:3, 3:]], [T[3:]]]) for T, _ in frames]
    found = errors(answers, turned)
    assert len(found) >= 3 and max(found) < 0.15


def test_a_regular_grid_is_ambiguous() -> None:
    grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0), [3.0]), -1).reshape(-1, 3)
    localizer = Localizer.from_map(grid, config=under_lamps())
    rng = np.random.default_rng(4)
    T = held("up", 0.4, np.array([3.6, 3.7, 0.5]), np.zeros(2))
    answer = localizer.localize(report(grid, T, rng, 0, 0), CAMERA)
    assert isinstance(answer, Rejection) and answer.category is Category.AMBIGUOUS


def test_clutter_alone_has_no_pose() -> None:
    lamps, _ = lamp_frames(1, seed=5)
    localizer = Localizer.from_map(lamps, config=under_lamps())
    rng = np.random.default_rng(6)
    for count in (3, 5, 8, 12):
        pixels = rng.uniform((0, 0), (640, 480), (count, 2))
        assert isinstance(localizer.localize(pixels, CAMERA), Rejection)


def test_a_camera_at_another_height_than_told_is_refused() -> None:
    lamps, frames = lamp_frames(3, seed=7)
    lower = Localizer.from_map(lamps, config=under_lamps(height=(1.5, 1.6)))
    answers = [lower.localize(pixels, CAMERA) for _, pixels in frames]
    assert all(isinstance(answer, Rejection) for answer in answers)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"up": "sideways"}, "up is 'sideways'"),
        ({"up": "0 0 0"}, "up is '0 0 0'"),
        ({"camera_mounting": "askew"}, "camera_mounting is 'askew'"),
        ({"camera_height_min": 2.0, "camera_height_max": 1.0}, "camera_height_min, 2"),
        ({"motion": "photographs"}, "this map knows of none"),
    ],
)
def test_a_motion_that_cannot_be_is_refused_by_name(
    words: dict[str, object], complaint: str
) -> None:
    config = LocalizerConfig(**words)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=complaint):
        Localizer.from_map(ceiling_lamps(np.random.default_rng(0)), config=config)


def test_landmarks_at_infinity_give_a_rotation() -> None:
    rng = np.random.default_rng(8)
    stars = rng.normal(size=(300, 3))
    stars /= np.linalg.norm(stars, axis=1, keepdims=True)
    localizer = Localizer.from_map(stars, config=LocalizerConfig(motion="rotation"))
    T = held("forward", 0.7, np.zeros(3), np.array([0.4, 1.1]))
    answer = localizer.localize(report(stars, T, rng), CAMERA)
    assert isinstance(answer, Fix)
    assert np.degrees(np.abs(answer.T_map_camera[:3, :3] - T[:3, :3]).max()) < 0.5
    assert np.allclose(answer.T_map_camera[:3, 3], 0)


def test_a_star_tracker_finds_stars_among_spots_and_nothing_where_there_is_no_sky() -> None:
    rng = np.random.default_rng(10)
    camera = Camera(np.array([[2000.0, 0, 320], [0, 2000, 240], [0, 0, 1]]), 640, 480)
    stars = rng.normal(size=(5000, 3))
    stars /= np.linalg.norm(stars, axis=1, keepdims=True)
    localizer = Localizer.from_map(stars, config=LocalizerConfig(motion="rotation"))
    for yaw in (0.7, -2.0):
        T = held("forward", yaw, np.zeros(3), np.array([0.4, 1.1]))
        rays = stars @ T[:3, :3]
        pixels = (rays / rays[:, 2:]) @ camera.K[:2].T
        shown = pixels[(rays[:, 2] > 0) & camera.image_contains(pixels)][:12]
        spots = rng.uniform(0, (640, 480), (8, 2))
        answer = localizer.localize(np.concatenate([shown, spots]), camera)
        assert isinstance(answer, Fix)
        assert np.degrees(np.abs(answer.T_map_camera[:3, :3] - T[:3, :3]).max()) < 0.1
    nothing = rng.uniform(0, (640, 480), (40, 2))
    assert isinstance(localizer.localize(nothing, camera), Rejection)


def test_a_camera_of_which_nothing_is_known_finds_itself_among_many_landmarks() -> None:
    """Too many for all triples of them."""
    rng = np.random.default_rng(11)
    lamps = ceiling_lamps(rng, 150)
    localizer = Localizer.from_map(lamps, config=LocalizerConfig(motion="free"))
    poses = list[np.ndarray]()
    while len(poses) < 2:
        T = held(
            "up", rng.uniform(-3, 3), rng.uniform([4, 4, 0], [16, 8, 1]), rng.normal(size=2) / 5
        )
        poses += [T] * (len(report(lamps, T, rng, missed=0, clutter=0)) >= 9)
    found = errors([localizer.localize(report(lamps, T, rng), CAMERA) for T in poses], poses)
    assert len(found) == len(poses) and max(found) < 0.2


def test_too_few_directions_are_no_map() -> None:
    with pytest.raises(MapError, match="2 usable directions"):
        Localizer.from_map(np.eye(3)[:2], config=LocalizerConfig(motion="rotation"))


def test_clutter_in_a_row_is_no_evidence() -> None:
    rng = np.random.default_rng(9)
    walls = reflectors(rng)
    config = LocalizerConfig(motion="floor", camera_height_min=1.1, camera_height_max=1.3)
    localizer = Localizer.from_map(walls, config=config)
    for count in (8, 12, 20):
        row = np.stack([rng.uniform(0, 640, count), rng.normal(238, 6, count)], axis=1)
        assert isinstance(localizer.localize(row, CAMERA), Rejection)
