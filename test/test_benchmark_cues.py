"""The benchmark's rows on cues: what keypoints look like is told to those rows that ask for it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")

from orbit import orbit, write_scene
from rich.console import Console

from bpnp_ros.benchmark import run as benchmark_run
from bpnp_ros.benchmark.cues.rows import cue_rows, of_whole_maps, photographed
from bpnp_ros.benchmark.localizer_methods import Search
from bpnp_ros.benchmark.methods import NearestCamera
from bpnp_ros.benchmark.problems import WHOLE_MAP, Problem, Selection, pose_problems
from bpnp_ros.benchmark.runner import ask
from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from bpnp_ros.tools import benchmark


def coloured(images: int = 12, points: int = 1000) -> SfmModel:
    """So many points that their positions say little, each of a colour of its own."""
    plain, rng = orbit(images, points), np.random.default_rng(1)
    shown = plain.keypoint_point
    shown = np.where(shown < 0, rng.permutation(len(shown)) % points, shown)
    rgb = rng.uniform(20, 235, (points, 3))[shown] + rng.normal(0, 3, (len(shown), 3))
    unknown = np.full(len(shown), np.nan, np.float32)
    cues = {"rgb": rgb.astype(np.float32), "size": unknown, "sign": unknown}
    return replace(plain, keypoint_cues=cues)


def first_problem(scene: SfmModel) -> Problem:
    return pose_problems(scene, of_whole_maps(Selection(queries=1))).problems[0]


def test_cues_of_a_problem_are_those_of_its_keypoints() -> None:
    scene = coloured()
    problem = first_problem(scene)
    first, end = scene.keypoint_offsets[problem.query : problem.query + 2]
    of_query = np.column_stack([scene.keypoints, scene.keypoint_cues["rgb"]])[first:end]
    told = np.column_stack([problem.sets.keypoints, problem.keypoint_cues["rgb"]])
    assert set(map(tuple, told)) <= set(map(tuple, of_query))


def test_colours_find_what_positions_alone_do_not() -> None:
    problem = first_problem(coloured(points=8000))
    rows = {row.cues: replace(row, views=1000) for row in cue_rows()}
    assert ask(rows["rgb",], problem).errors.right
    assert not ask(rows[()], problem).errors.right


def test_each_cue_is_asked_alone_and_all_together() -> None:
    assert [row.cues for row in cue_rows()] == [
        *[(), ("rgb",), ("size",), ("sign",), ("angle",)],
        ("rgb", "size", "sign", "angle"),
    ]
    assert len({str(row.identity) for row in cue_rows()}) == len({row.name for row in cue_rows()})


def test_a_cue_that_keypoints_do_not_know_changes_nothing() -> None:
    problem = pose_problems(coloured(8), Selection(queries=1, settings=("0 %",))).problems[0]
    plain, unknown = (Search(views=1000, cues=cues).solve(problem) for cues in ((), ("size",)))
    assert plain is not None and unknown is not None
    np.testing.assert_array_equal(plain, unknown)


def test_scenes_with_photographs_have_a_table_of_cues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes, photographs = tmp_path / "scenes", tmp_path / "photographs"
    scenes.mkdir()
    names = tuple(f"{number}.png" for number in range(8))
    for name in ("seen", "unseen"):
        write_scene(replace(orbit(images=8), image_names=names), scenes / f"{name}.npz")
    (photographs / "seen").mkdir(parents=True)
    for name in names:
        cv2.imwrite(str(photographs / "seen" / name), np.full((480, 640, 3), 90, np.uint8))
    monkeypatch.setattr(benchmark_run, "all_methods", lambda weights: [NearestCamera()])
    monkeypatch.setattr(benchmark_run, "cue_rows", lambda: [Search("one row", views=1000)])
    words = ["--scenes", str(scenes), "--out", str(tmp_path / "out"), "--queries", "1"]
    arguments = benchmark.parse_arguments([*words, "--photographs", str(photographs)])
    benchmark.run(arguments, Console(file=io.StringIO()))
    page = (tmp_path / "out" / "benchmark.md").read_text()
    section = page.split("## What cues bring")[1].split("## Scene by scene")[0]
    assert "| one row |" in section and "| seen |" in section and "| unseen |" not in section
    assert "(images/benchmark_cues.png)" in section
    assert (tmp_path / "out" / "images" / "benchmark_cues.png").stat().st_size > 5000
    assert list(photographed({"seen": scenes, "other": scenes}, photographs)) == ["seen"]


def test_only_whole_maps_are_asked_for_cues() -> None:
    posed = pose_problems(coloured(8), of_whole_maps(Selection(queries=1)))
    assert {problem.setting for problem in posed.problems} == {WHOLE_MAP}
    assert len({problem.name for problem in posed.problems}) > 1
