"""Photographs say what points of their model look like; what contradicts them misleads nobody."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

cv2 = pytest.importorskip("cv2")

from orbit import CAMERA, orbit, write_scene

from bpnp_ros.benchmark.why import questions
from bpnp_ros.benchmark.why.failures import Outcome, outcome
from bpnp_ros.benchmark.why.nearness import keeps_near
from bpnp_ros.benchmark.why.questions import HARD, Question
from bpnp_ros.benchmark.why.split import KEPT, PHOTOGRAPHS, PROBLEMS, STORED, run_failures
from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.errors import MapError
from bpnp_ros.keypoints.image import Image
from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.keypoints.lens import image_frustum
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.from_photographs import model_from_photographs
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.point_map.sfm.observed_cues import keypoint_cues, with_photographs
from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from bpnp_ros.tools.benchmark import parse_arguments

CONFIG = LocalizerConfig(bank_views=2000, use_bpnpnet=False)


@pytest.fixture(scope="module")
def scene() -> SfmModel:
    """Features with a size in metres, a sign and a colour of their own."""
    plain, rng = orbit(points=200), np.random.default_rng(1)
    shown, T = plain.keypoint_point, plain.T_map_camera[plain.keypoint_image]
    shown = np.where(shown < 0, rng.permutation(len(shown)) % 200, shown)  # clutter looks alike
    depth = np.einsum("ka,ka->k", plain.points[shown] - T[:, :3, 3], T[:, :3, 2])
    size, rgb = rng.lognormal(-4, 0.8, 200), rng.uniform(20, 235, (200, 3))
    cues = {
        "size": size[shown] / depth / image_frustum(CAMERA).pixel,
        "sign": rng.choice([-1.0, 1.0], 200)[shown],
        "rgb": rgb[shown],
    }
    return replace(plain, keypoint_cues={name: cue.astype("f4") for name, cue in cues.items()})


@pytest.fixture(scope="module")
def mapped(scene: SfmModel) -> MapModel:
    return model_from_photographs(scene.with_images(np.arange(1, 24)))


def first_photograph(scene: SfmModel, **changed: np.ndarray) -> Keypoints:
    xy, _ = scene.keypoints_of(0)
    cues = {name: cue[: len(xy)] for name, cue in scene.keypoint_cues.items()} | changed
    rows = np.arange(len(xy))
    return Keypoints(xy, np.ones(len(xy), np.float32), rows, image_frustum(CAMERA), cues=cues)


def test_a_model_with_cues_of_its_keypoints_has_cues_of_its_points(mapped: MapModel) -> None:
    cues = mapped.point_map.cues
    assert set(cues) == {"rgb", "size", "sign"}
    assert np.isfinite(cues["size"]).mean() > 0.9 and cues["rgb"].any(axis=1).mean() > 0.9


def test_cues_that_agree_are_told_with_the_fix(scene: SfmModel, mapped: MapModel) -> None:
    answer = Localizer(mapped, None, CONFIG).localize(first_photograph(scene))
    assert isinstance(answer, Fix)
    assert set(answer.cues) == {"rgb", "size", "sign"} and answer.disagreeing == []
    assert all(nats > 0 for nats, _ in answer.cues.values())


@pytest.mark.parametrize("order", [[2, 1, 0], [1, 2, 0]])
def test_swapped_colours_give_no_wrong_pose(
    scene: SfmModel, mapped: MapModel, order: list[int]
) -> None:
    colours = scene.keypoint_cues["rgb"][: len(scene.keypoints_of(0)[0])]
    wrong = first_photograph(scene, rgb=colours[:, order])
    answer = Localizer(mapped, None, CONFIG).localize(wrong)
    if isinstance(answer, Fix):
        truth = scene.T_map_camera[0]
        assert np.linalg.norm(answer.T_map_camera[:3, 3] - truth[:3, 3]) < 0.1
        assert answer.disagreeing == ["rgb"]


def test_cues_of_a_blank_photograph_are_unknown_and_no_error() -> None:
    blank = Image(np.full((480, 640), 90, np.uint8))
    cues = keypoint_cues(blank, np.array([[20.0, 30.0], [600, 400]]))
    assert all(np.isnan(column).all() for column in cues.values())


def test_photographs_of_another_size_or_none_are_refused(scene: SfmModel, tmp_path: Path) -> None:
    few = replace(scene.with_images([0, 1]), image_names=("a.png", "b.png"))
    with pytest.raises(MapError, match="none of the photographs"):
        with_photographs(few, tmp_path)
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(MapError, match="64 x 48 pixels"):
        with_photographs(few, tmp_path)


def test_what_became_of_a_photograph_is_told_apart(scene: SfmModel, mapped: MapModel) -> None:
    def asked(truth: np.ndarray, **config: Any) -> Outcome:
        localizer = Localizer(mapped, None, replace(CONFIG, **config))
        return outcome(Question("", localizer, first_photograph(scene), truth, 3.0))

    truth, aside = scene.T_map_camera[0], scene.T_map_camera[0].copy()
    aside[0, 3] += 0.5
    assert asked(truth) is Outcome.RIGHT
    assert asked(aside) is Outcome.WRONG
    assert asked(truth, min_inliers=1000) is Outcome.REFUSED
    assert asked(aside, min_inliers=1000) is Outcome.OUTWEIGHED
    assert asked(truth, use_likelihood_search=False) is Outcome.NEVER_NEAR


def test_a_search_keeps_views_near_what_the_frame_shows(scene: SfmModel, mapped: MapModel) -> None:
    def keeps(truth: np.ndarray) -> bool | None:
        localizer = Localizer(mapped, None, CONFIG)
        return keeps_near(Question("", localizer, first_photograph(scene), truth, 3.0))

    far = scene.T_map_camera[0].copy()
    far[2, 3] += 10
    assert [keeps(T) for T in (scene.T_map_camera[0], scene.T_map_camera[20], far)] == [
        True,
        False,
        None,
    ]


@pytest.mark.parametrize(("which", "groups"), [(PHOTOGRAPHS, ["orbit"]), (PROBLEMS, [*HARD])])
def test_the_command_counts_what_became_of_every_frame(
    which: str, groups: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scene(orbit(), tmp_path / "orbit.npz")
    monkeypatch.setattr(questions, "LocalizerConfig", lambda **_: CONFIG)
    words = ["--failures", which, "--most", "1", "--queries", "1"]
    folders = ["--scenes", str(tmp_path), "--out", str(tmp_path)]
    run_failures(parse_arguments([*words, *folders]), Console(quiet=True))
    told = json.loads((tmp_path / f"failures_of_{which}.json").read_text())
    assert list(told) == [*groups, "all together"]
    assert told[groups[-1]] == {Outcome.RIGHT.value: 1, STORED: 1, KEPT: 1}
