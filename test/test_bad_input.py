"""What users give by mistake is one clear sentence, before anything runs where that can be."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from landmarks import CAMERA, ceiling_lamps, held, report
from map_files import pcd

from bpnp_ros.configuration.parameters import LocalizationSettings, LocalizerConfig
from bpnp_ros.errors import BpnpError, ConfigError, MapError
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.keypoints.keypoints import keypoints_from_bearings, keypoints_from_pixels
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.point_map import memory
from bpnp_ros.point_map.loading import load_map
from bpnp_ros.point_map.writing import write_map
from bpnp_ros.runtime.cameras import Cameras
from bpnp_ros.runtime.engine import Engine
from bpnp_ros.runtime.maps import Maps
from bpnp_ros.weights.chosen import ChosenWeights

UNDER_LAMPS = {
    "motion": "floor",
    "camera_mounting": "up",
    "camera_height_min": 0.45,
    "camera_height_max": 0.55,
}


def configured(path: Path, **words: object) -> Maps:
    """As the node does at configure. Raises BpnpError."""
    config = LocalizerConfig(**{**UNDER_LAMPS, **words})  # type: ignore[arg-type]
    engine = Engine(config, torch.device("cpu"), ChosenWeights(None, None))
    maps = Maps(LocalizationSettings(map_file=str(path)), engine)
    maps.load_file()
    return maps


def write_csv(path: Path, rows: np.ndarray, head: str = "x,y,z") -> Path:
    np.savetxt(path, rows, "%.4f", ",", header=head, comments="")
    return path


@pytest.mark.parametrize("count", [1, 2, 3])
def test_too_few_landmarks(tmp_path: Path, count: int) -> None:
    lamps = ceiling_lamps(np.random.default_rng(0), count)
    with pytest.raises(MapError, match=f"the map has {count} usable points; at least 4 are needed"):
        configured(write_csv(tmp_path / "few.csv", lamps))


def test_landmarks_that_are_all_in_one_place(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="the map has 1 usable points, which its 60 lines repeat"):
        configured(write_csv(tmp_path / "same.csv", np.tile([1.0, 2, 3], (60, 1))))
    nearly = np.array([1e6, 2e6, 3.0]) + np.random.default_rng(0).uniform(0, 1e-5, (60, 3))
    np.savetxt(tmp_path / "near.csv", nearly, "%.7f", ",")
    with pytest.raises(MapError, match="all points of the map lie on one spot"):
        configured(tmp_path / "near.csv")


@pytest.mark.parametrize(
    "words",
    [
        {"up": "-z", "camera_height_min": 0.4, "camera_height_max": 0.6},
        {"camera_height_min": 5.0, "camera_height_max": 5.2},
        {"camera_mounting": "down", "camera_height_min": 0.4, "camera_height_max": 0.6},
        {"camera_mounting": "0 70 0", "camera_height_min": 0.4, "camera_height_max": 0.6},
    ],
    ids=["up", "height", "mounting", "steeply down"],
)
def test_a_map_that_the_camera_could_not_see_as_it_is_told_to_look(
    tmp_path: Path, words: dict[str, object]
) -> None:
    lamps = write_csv(tmp_path / "lamps.csv", ceiling_lamps(np.random.default_rng(0)))
    with pytest.raises(ConfigError, match=r"the camera looks (up|down) from .* all landmarks lie"):
        configured(lamps, **words)


def test_what_agrees_is_not_refused(tmp_path: Path) -> None:
    lamps = write_csv(tmp_path / "lamps.csv", ceiling_lamps(np.random.default_rng(0)))
    for words in ({}, {"camera_mounting": "forward"}, {"camera_mounting": "0 50 0"}):
        assert configured(lamps, **words).active is not None


def labelled_lamps() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return ceiling_lamps(rng), rng.integers(0, 2, 80)


def answer_with(labels: np.ndarray, path: Path) -> Fix | Rejection:
    """Of a camera whose keypoints have such labels (M,), which are cut to their number."""
    lamps, classes = labelled_lamps()
    rows = np.column_stack([lamps, classes])
    file = write_csv(path / "lamps.csv", rows, "x,y,z,label")
    config = LocalizerConfig(**UNDER_LAMPS)  # type: ignore[arg-type]
    places = np.random.default_rng(1).uniform([3, 3, 0.5], [17, 9, 0.5], (20, 3))
    frames = [held("up", 0.3, place, np.zeros(2)) for place in places]
    pixels = max((report(lamps, T, np.random.default_rng(0)) for T in frames), key=len)
    cues = {"label": np.resize(labels, len(pixels)).astype(np.float32)}
    localizer = Localizer.from_map(file, config=config)
    return localizer.localize(keypoints_from_pixels(pixels, CAMERA, cues=cues))


def test_labels_that_the_map_does_not_know_say_nothing_and_are_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "bpnp_ros"):
        assert isinstance(answer_with(np.array([7, 8]), tmp_path), Fix)
    said = [m for m in caplog.messages if "label" in m]
    assert len(said) == 1
    assert "the label 7, 8, which the map does not have (it has 0, 1)" in said[0]


def test_labels_that_are_no_numbers_are_no_labels(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "bpnp_ros"):
        assert isinstance(answer_with(np.array([np.nan]), tmp_path), Fix)
    assert not [m for m in caplog.messages if "label" in m]


def test_labels_in_words_are_told_of_when_the_map_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [f"{x:.2f},{y:.2f},{z:.2f},lamp" for x, y, z in ceiling_lamps(np.random.default_rng(0))]
    file = tmp_path / "words.csv"
    file.write_text("\n".join(["x,y,z,label", *rows]))
    with caplog.at_level(logging.WARNING, "bpnp_ros"):
        assert len(load_map(file)) == 80
    assert "no label is a number, so none is used; number them" in caplog.text


def test_an_empty_frame_is_a_rejection(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "lamps.csv", ceiling_lamps(np.random.default_rng(0)))
    localizer = Localizer.from_map(file, config=LocalizerConfig(**UNDER_LAMPS))  # type: ignore[arg-type]
    answer = localizer.localize(np.zeros((0, 2)), CAMERA)
    assert isinstance(answer, Rejection) and answer.category is Category.TOO_FEW_KEYPOINTS
    assert answer.message == "0 of 0 keypoints are usable; at least 3 are needed."


@pytest.mark.parametrize("suffix", ["csv", "ply", "pcd"])
def test_a_map_for_which_there_is_no_memory_is_refused_with_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    file = tmp_path / f"large.{suffix}"
    columns = dict(zip("xyz", np.random.default_rng(0).uniform(0, 9, (3, 5000)), strict=True))
    if suffix == "pcd":
        file.write_bytes(pcd([(name, "F8", 1, c) for name, c in columns.items()], 5000))
    else:
        write_map(file, columns)
    monkeypatch.setattr(memory, "available", lambda: 100_000)
    with pytest.raises(MapError, match=r"holds 5,000 points, which need .* GiB to read; .* free"):
        configured(file)


def test_a_map_file_is_refused_before_it_takes_more_than_memory_limit(tmp_path: Path) -> None:
    file = tmp_path / "map.csv"
    rng = np.random.default_rng(0)
    write_map(file, dict(zip("xyz", rng.uniform(0, 9, (3, 5000)), strict=True)))
    with (
        memory.limited_to(5000 * memory.BYTES_A_POINT - 1),
        pytest.raises(MapError, match=r"5,000 points, which need .* memory_limit allows"),
    ):
        load_map(file)
    with memory.limited_to(5000 * memory.BYTES_A_POINT):
        assert len(load_map(file)) == 5000


def test_what_is_free_is_known_here() -> None:
    free = memory.available()
    assert free is None or 10**6 < free < 10**14


def test_a_network_does_not_train_for_what_its_plane_cannot_hold() -> None:
    pytest.importorskip("lightning", reason="pip install -e .[training]")
    from training.own_map.map_views import _view_of

    K = np.array([[200.0, 0, 320], [0, 200, 320], [0, 0, 1]])
    with pytest.raises(ConfigError, match="sees further than 140 degrees"):
        _view_of(Camera(K, 640, 640, "equidistant"))
    assert _view_of(CAMERA) == CAMERA.frustum()


def wide_bearings(count: int = 40) -> np.ndarray:
    """Directions up to 100 degrees off the axis."""
    rng = np.random.default_rng(0)
    angle, turn = np.radians(rng.uniform(0, 100, count)), rng.uniform(0, 2 * np.pi, count)
    sides = np.stack([np.cos(turn), np.sin(turn)], axis=1) * np.sin(angle)[:, None]
    return np.column_stack([sides, np.cos(angle)]) * rng.uniform(0.1, 5, (count, 1))


@pytest.mark.parametrize("view", [None, (210.0, 210.0)])
def test_bearings_beside_and_behind_the_camera_are_kept(view: tuple[float, float] | None) -> None:
    given = np.vstack([wide_bearings(), [[0, 0, -1]]])
    keypoints = keypoints_from_bearings(given, field_of_view=view)
    assert len(keypoints) == 40 and keypoints.dropped == {"straight behind the camera": 1}
    expected = given / np.linalg.norm(given, axis=1, keepdims=True)
    np.testing.assert_allclose(keypoints.bearing, expected[keypoints.index], atol=1e-6)


def test_a_wide_view_stays_wide_when_a_frame_shows_its_middle_alone() -> None:
    from bpnp_ros.bags.messages import cloud, header
    from bpnp_ros.configuration.parameters import KeypointConfig

    pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")
    cameras = Cameras(LocalizationSettings(), KeypointConfig())

    def read(bearings: np.ndarray) -> object:
        columns = dict(zip("xyz", bearings.T.astype(np.float32), strict=True))
        return cameras.keypoints(cloud(header(1, "camera"), columns)).frustum

    wide = read(wide_bearings())
    middle = np.array([[0.1, 0, 1], [0, 0.1, 1], [-0.1, 0.2, 1], [0.1, 0.3, 1]])
    assert read(middle) == wide


def test_all_of_them_are_errors_of_this_package() -> None:
    assert issubclass(MapError, BpnpError) and issubclass(ConfigError, BpnpError)
