"""Whatever is asked of a command, it ends in a sentence and a status, never in a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from bpnp_ros.command import COULD_NOT_RUN, DEBUG, INTERRUPTED, UNEXPECTED, exit_status
from bpnp_ros.errors import MapError
from bpnp_ros.tools import benchmark, demo, make_bag, map_from_poses, replay
from bpnp_ros.whole_file import written_whole
from training.datasets import build_sfm, build_shapes
from training.own_map import __main__ as own_map
from training.own_map import demo_world
from training.paper import ship

pytest.importorskip("lightning", reason="pip install -e .[training]")

from training import main as paper


def raising(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (MapError("the map is empty."), COULD_NOT_RUN, "error: the map is empty."),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.json"),
            COULD_NOT_RUN,
            "error: a.json: No space left on device; free some space, or write elsewhere.",
        ),
        (MemoryError("12 GiB"), COULD_NOT_RUN, "error: there is not enough memory (12 GiB)"),
        (ZeroDivisionError("by 0"), UNEXPECTED, "error: unexpected ZeroDivisionError: by 0."),
        (KeyboardInterrupt(), INTERRUPTED, "interrupted"),
    ],
)
def test_every_end_has_a_sentence_and_a_status(
    error: BaseException, status: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_status(raising(error)) == status
    said = capsys.readouterr().err
    assert said.startswith(sentence) and len(said.splitlines()) == 1


def test_the_traceback_of_a_bug_is_in_a_file_that_the_sentence_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exit_status(raising(ZeroDivisionError("by 0")))
    log = next(Path(word.rstrip(",")) for word in capsys.readouterr().err.split() if ".log" in word)
    assert "Traceback" in log.read_text() and sys.argv[0] in log.read_text()
    log.unlink()


def test_an_environment_variable_shows_tracebacks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DEBUG, "1")
    exit_status(raising(MapError("the map is empty.")))
    assert "Traceback" in capsys.readouterr().err


def test_a_full_disk_leaves_the_old_file_and_names_it(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text("old")
    with pytest.raises(OSError) as full, written_whole(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert full.value.filename == str(file)
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]


BAD = ("missing", "folder", "empty", "binary", "text.txt")
MAINS: dict[str, Callable[[], object]] = {
    "bpnp_replay": replay.main,
    "bpnp_benchmark": benchmark.main,
    "bpnp_make_bag": make_bag.main,
    "bpnp_map_from_poses": map_from_poses.main,
    "bpnp_demo": demo.main,
    "training.main": paper.main,
    "training.own_map": own_map.main,
    "training.own_map.demo_world": demo_world.main,
    "training.datasets.build_sfm": build_sfm.main,
    "training.datasets.build_shapes": build_shapes.main,
    "training.paper.ship": ship.main,
}
TAKES_A_FILE = (
    "bpnp_replay {} --out {out}",
    "bpnp_replay {} --out {file}",
    "bpnp_benchmark --scenes {} --out {out}",
    "bpnp_benchmark --scenes {} --out {file}",
    "bpnp_make_bag {} --out {out}",
    "bpnp_map_from_poses {} --out {out}/map.csv",
    "bpnp_map_from_poses {} --out {file}/map.csv",
    "bpnp_make_bag demo --duration 2 --out {file}/{}",
    "training.main {} --log-dir {out} -j 0",
    "training.main {} --log-dir {file} -j 0",
    "training.main {folder} --log-dir {out} --config {}",
    "training.main {folder} --log-dir {out} --resume {}",
    "training.main -e {folder} --log-dir {out} --resume {}",
    "training.own_map {} --out {out}/b.safetensors --run {out}/run",
    "training.own_map {map} --path {} --out {out}/b.safetensors --run {out}/run",
    "training.own_map {map} --mesh {} --out {out}/b.safetensors --run {out}/run",
    "training.own_map {map} --camera {} --out {out}/b.safetensors --run {out}/run",
    "training.own_map {map} --config {} --out {out}/b.safetensors --run {out}/run",
    "training.own_map {map} --resume {} --out {out}/b.safetensors",
    "training.own_map {} --photographs --out {out}/b.safetensors --run {out}/run",
    "training.datasets.build_sfm {} --test-scenes {map} --out {out}",
    "training.datasets.build_sfm {} --test-scenes {map} --out {file}",
    "training.datasets.build_shapes {}.npz --out {out}",
    "training.paper.ship {} {out}/w.safetensors",
    "training.own_map.demo_world {file}/{}",
)
BAD_OPTIONS = (
    "bpnp_benchmark --scenes {folder} --queries 0",
    "bpnp_benchmark --scenes {folder} --seed -1",
    "bpnp_make_bag demo --out {out} --hold-out 0",
    "bpnp_make_bag demo --out {out} --rate nan",
    "bpnp_make_bag demo --out {out} --duration inf",
    "bpnp_demo --rate 0 --out {out}",
    "bpnp_demo --duration nan --out {out}",
    *(
        f"training.main {{folder}} --log-dir {{out}} {option}"
        for option in (
            "-b 0",
            "-b -3",
            "-b 99999999999",
            "--lr nan",
            "--lr inf",
            "--lr -1",
            "--epochs 0",
            "--seed -1",
            "--num_points_train 0",
            "-ntrain 0",
            "-p 0",
            "--dataset nobody",
            "--final-rate 2",
            "--clip -1",
            "--gamma nan",
            "--outlier-rate 7",
        )
    ),
    *(
        f"training.own_map {{map}} --out {{out}}/b.safetensors --run {{out}}/run {option}"
        for option in (
            "--batch 0",
            "--batch -1",
            "--minutes nan",
            "--minutes 0",
            "--minutes -1",
            "--width 0",
            "--focal 0",
            "--cell 0",
            "--places 0",
            "--seed -1",
            "--missed-min 2",
            "--clutter-min 0.9 --clutter-max 0.1",
            "--learning-rate inf",
            "--map-scale nan",
            "--map-scale -1",
        )
    ),
)
LINES = [(line, bad) for line in TAKES_A_FILE for bad in BAD] + [(line, "") for line in BAD_OPTIONS]
LINES = [line for line in LINES if not ("--config" in line[0] and line[1] == "empty")]  # it may be


@pytest.fixture
def places(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Good and bad files by what they are; the tests run in a folder of their own."""
    there = {name: tmp_path / name for name in (*BAD, "file", "out", "map")}
    there["map"] = tmp_path / "map.xyz"
    there["map"].write_text("0 0 0\n1 0 0\n0 1 0\n0 0 1\n2 1 1\n")
    there["folder"].mkdir()
    there["empty"].touch()
    there["file"].write_text("a file, where a folder should be")
    there["binary"].write_bytes(bytes(range(256)) * 8)
    there["text.txt"].write_text("Lorem ipsum\ndolor: [sit\n")
    yield {name: str(path) for name, path in there.items()}


def test_there_are_many_command_lines() -> None:
    assert len(LINES) >= 100 and {line.split()[0] for line, _ in LINES} == set(MAINS)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("line", "bad"), LINES)
def test_a_command_line_that_cannot_work_ends_in_one_sentence(
    line: str,
    bad: str,
    places: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    name, *words = (word.format(places.get(bad, ""), **places) for word in line.split())
    monkeypatch.setattr(sys, "argv", [name, *words])
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    monkeypatch.chdir(places["folder"])
    try:
        status = MAINS[name]()
    except SystemExit as end:
        status = end.code
    said = capfd.readouterr()
    assert status == COULD_NOT_RUN, said.err
    assert "Traceback" not in said.out + said.err
    assert "error: " in said.err
