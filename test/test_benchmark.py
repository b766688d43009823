"""bpnp_benchmark from the command line: results that are kept, and the page made of them."""

from __future__ import annotations

import io
import json
import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from orbit import orbit, write_scene
from rich.console import Console

from bpnp_ros.benchmark import run as benchmark_run
from bpnp_ros.benchmark.board import Board
from bpnp_ros.benchmark.catalogue import find_scenes
from bpnp_ros.benchmark.methods import Method, NearestCamera, OracleMatches
from bpnp_ros.benchmark.metrics import AnswerErrors
from bpnp_ros.benchmark.problems import SETTINGS, Problem, Selection
from bpnp_ros.benchmark.report.figure import outlier_curves
from bpnp_ros.benchmark.report.page import benchmark_page
from bpnp_ros.benchmark.report.provenance import Provenance
from bpnp_ros.benchmark.results import SceneResult, chosen_answers
from bpnp_ros.benchmark.runner import run_scene
from bpnp_ros.command import COULD_NOT_RUN, INTERRUPTED
from bpnp_ros.errors import BpnpError, ConfigError
from bpnp_ros.tools import benchmark
from bpnp_ros.weights.bpnpnet_file import any_map_weights

ONE = Selection(queries=1)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenes, one of too few images, and a file that is none."""
    folder = tmp_path_factory.mktemp("scenes")
    write_scene(orbit(images=8), folder / "arc.npz")
    write_scene(orbit(images=8, seed=1), folder / "other arc.npz")
    write_scene(orbit(images=4), folder / "short.npz")
    (folder / "torn.npz").write_bytes(b"PK\x03\x04")
    return folder


def run(scenes: Path, out: Path, *words: str) -> str:
    """The command with two methods that take no time; what it prints."""
    console = Console(record=True, width=160, file=io.StringIO())
    arguments = ["--scenes", str(scenes), "--out", str(out), "--queries", "1", *words]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            benchmark_run, "all_methods", lambda weights: [OracleMatches(), NearestCamera()]
        )
        benchmark.run(benchmark.parse_arguments(arguments), console)
    return console.export_text()


@dataclass(frozen=True)
class Report:
    """What one run left."""

    shown: str
    folder: Path
    docs: Path

    @property
    def page(self) -> str:
        return self.docs.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def report(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("out")
    docs = folder / "docs" / "benchmarks.md"
    return Report(run(scenes, folder, "--docs", str(docs)), folder, docs)


class Counting(OracleMatches):
    """Counts the questions, and gives up after some, as by Ctrl-C."""

    asked = 0
    patience = math.inf

    def solve(self, problem: Problem) -> Any:
        Counting.asked += 1
        if Counting.asked > Counting.patience:
            raise KeyboardInterrupt
        return super().solve(problem)


def counted(scenes: Path, out: Path, name: str, patience: float = math.inf) -> SceneResult:
    Counting.asked, Counting.patience = 0, patience
    methods: list[Method] = [NearestCamera(), Counting(name=name)]
    return run_scene("arc", scenes / "arc.npz", methods, ONE, out, lambda what, share: None)


def errors(result: SceneResult) -> list[AnswerErrors]:
    return [answer.errors for answer in chosen_answers([result], "counting")]


def test_what_was_answered_is_not_asked_again(scenes: Path, tmp_path: Path) -> None:
    first = counted(scenes, tmp_path, "counting")
    assert Counting.asked == len(first.problems) == len(SETTINGS)
    again = counted(scenes, tmp_path, "counting")
    assert Counting.asked == 0
    assert errors(again) == errors(first)


def test_only_a_new_method_is_asked(scenes: Path, tmp_path: Path) -> None:
    counted(scenes, tmp_path, "counting")
    both = counted(scenes, tmp_path, "another")
    assert Counting.asked == len(SETTINGS)
    assert set(both.answers) == {"nearest mapping camera", "counting", "another"}


def test_an_interrupted_run_keeps_the_methods_that_were_through(
    scenes: Path, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        counted(scenes, tmp_path, "counting", patience=3)
    kept = SceneResult.load(tmp_path, "arc")
    assert kept is not None and list(kept.answers) == ["nearest mapping camera"]


def test_other_problems_are_asked_anew(scenes: Path, tmp_path: Path) -> None:
    counted(scenes, tmp_path, "counting")
    write_scene(orbit(images=8, seed=2), tmp_path / "arc.npz")
    counted(tmp_path, tmp_path, "counting")
    assert Counting.asked == len(SETTINGS)


@pytest.mark.parametrize("content", ["", "{}", '{"answers": 3}'])
def test_results_that_cannot_be_read_are_made_anew(
    scenes: Path, tmp_path: Path, content: str
) -> None:
    (tmp_path / "arc.json").write_text(content)
    assert len(counted(scenes, tmp_path, "counting").answers) == 2


def test_results_come_back_as_they_were_saved(scenes: Path, tmp_path: Path) -> None:
    result = counted(scenes, tmp_path, "counting")
    loaded = SceneResult.load(tmp_path, "arc")
    assert loaded is not None and loaded.asks_the_same_as(result)
    assert errors(loaded) == errors(result)
    took, kept = (
        [answer.milliseconds for answer in chosen_answers([one], "counting")]
        for one in (result, loaded)
    )
    assert kept == pytest.approx(took, abs=0.01)


def test_one_command_leaves_page_figure_and_figures(report: Report) -> None:
    (image,) = re.findall(r"!\[.*\]\((.*)\)", report.page)
    assert (report.docs.parent / image).stat().st_size > 10_000
    assert "$" not in report.page
    assert "| the true pairs (ceiling) | 100 | 100 | 100 | 100 | 100 | 100 |" in report.page
    assert "2 scenes" in report.page and "12 problems" in report.page
    assert "arc: 6 problems" in report.shown
    figures = json.loads((report.folder / "benchmark.json").read_text())
    assert figures["methods"]["oracle matches"]["50 %"]["recall"] == 1.0


def test_scenes_that_pose_nothing_are_named_with_the_reason(report: Report) -> None:
    for text in (report.shown.replace("left out: ", ""), report.page):
        assert "short: 4 images; at least 6 are needed" in text
        assert re.search("torn: .*torn.npz is no .npz file", text)


def test_the_weights_that_come_with_the_package_are_asked_and_named(report: Report) -> None:
    assert benchmark.parse_arguments(["--scenes", "."]).bpnpnet == any_map_weights()
    assert "The weights of bpnpnet: network attention, dataset simulated" in report.page


def test_a_folder_of_nothing_but_unusable_scenes_is_an_error(tmp_path: Path) -> None:
    write_scene(orbit(images=4), tmp_path / "short.npz")
    with pytest.raises(BpnpError, match="none of the scenes poses a problem"):
        run(tmp_path, tmp_path / "out")


def test_a_method_without_answers_draws_nothing_and_stops_nothing() -> None:
    board = Board({"oracle matches": "the true pairs"}, (), {"short": "4 images"})
    outlier_curves(board)
    provenance = Provenance.of(["bpnp_benchmark", "--quick"])
    page = benchmark_page(board, None, ONE, provenance, "a.png", "none")
    assert "- short: 4 images" in page
    assert "    bpnp_benchmark --quick\n" in page and "torch" in page


def test_scenes_are_npz_files_and_colmap_models(tmp_path: Path) -> None:
    for model in (tmp_path / "house" / "sparse" / "0", tmp_path / "yard"):
        model.mkdir(parents=True)
        (model / "points3D.txt").touch()
    (tmp_path / "arc.npz").touch()
    (tmp_path / "notes").mkdir()
    assert list(find_scenes(tmp_path)) == ["arc", "house", "yard"]
    assert list(find_scenes(tmp_path / "house")) == ["house"]


@pytest.mark.parametrize("folder", ["gone", "empty"])
def test_a_folder_without_scenes_is_refused(folder: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"no folder|holds no \.npz scenes"):
        find_scenes(tmp_path / folder)


def test_ctrl_c_ends_without_a_traceback(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    Counting.asked, Counting.patience = 0, 2
    monkeypatch.setattr(benchmark_run, "all_methods", lambda weights: [Counting()])
    words = ["bpnp_benchmark", "--scenes", str(scenes), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        benchmark.main()
    assert end.value.code == INTERRUPTED
    assert "keeps what was done" in " ".join(capsys.readouterr().err.split())


def test_a_mistaken_folder_is_an_error_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    words = ["bpnp_benchmark", "--scenes", str(tmp_path / "gone"), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        benchmark.main()
    assert end.value.code == COULD_NOT_RUN
    assert "there is no folder" in capsys.readouterr().err
