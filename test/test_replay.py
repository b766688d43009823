"""bpnp_replay from the bag to the written files: answers, determinism, refusals, interruption."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")

from recordings import walk, write_recording, write_weights
from rich.console import Console
from rooms import world

from bpnp_ros.bags.reading import Bag
from bpnp_ros.claimed_folder import claimed_folder
from bpnp_ros.errors import BagError, BpnpError, ConfigError
from bpnp_ros.evaluation.tum import read_tum
from bpnp_ros.replay.page.report import headlines
from bpnp_ros.replay.results import clear_folder
from bpnp_ros.replay.run import prepare, run
from bpnp_ros.tools.replay import parse_arguments

FAST = ["--set", "bank_views=1000"]
COUNT = len(walk().pixels)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "rooms.safetensors")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("bags") / "walk")


@pytest.fixture(scope="module")
def done(recording: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a replay."""
    out = tmp_path_factory.mktemp("done")
    replay(recording, out, "--weights", str(weights))
    return out


def replay(bag: Path, out: Path, *words: str) -> dict[str, Any]:
    """The metrics of a run."""
    arguments = parse_arguments([str(bag), "--out", str(out), *FAST, *words])
    assert run(arguments, Console(file=io.StringIO())) == 0
    return metrics_in(out)


def metrics_in(out: Path) -> dict[str, Any]:
    metrics: dict[str, Any] = json.loads((out / "metrics.json").read_text())
    return metrics


def frames(out: Path) -> list[dict[str, str]]:
    with (out / "frames.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_walk_is_found_again(done: Path) -> None:
    metrics = metrics_in(done)
    assert metrics["complete"] and metrics["messages"] == COUNT
    against = metrics["against_truth"]
    assert against["recall"]["0.25 m, 2 deg"] >= 0.8 and against["false_poses"] == 0


def test_every_message_is_answered_and_every_pose_written_down(done: Path) -> None:
    rows = frames(done)
    assert [row["message"] for row in rows] == [str(number) for number in range(COUNT)]
    assert all(bool(row["proposer"]) != bool(row["category"]) for row in rows)
    fixes = sum(row["category"] == "" for row in rows)
    assert fixes == metrics_in(done)["fixes"] == len(read_tum(done / "estimate.tum"))
    truth = read_tum(done / "truth.tum")
    np.testing.assert_array_equal(truth.stamps_ns, walk().stamps_ns)
    np.testing.assert_allclose(truth.T_map_camera, walk().T_map_camera, atol=1e-8)


def test_the_report_needs_no_network(done: Path) -> None:
    page = (done / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 7 and "http" not in page
    assert (done / "report.png").read_bytes().startswith(b"\x89PNG")


def test_what_took_how_long_stands_apart(done: Path) -> None:
    latency = json.loads((done / "latency.json").read_text())
    assert latency["total"]["messages"] == COUNT and latency["track"]["p50_ms"] > 0
    assert (done / "timings.csv").read_text().count(",total,") == COUNT


def test_the_same_bag_gives_the_same_bytes(
    done: Path, recording: Path, weights: Path, tmp_path: Path
) -> None:
    replay(recording, tmp_path, "--weights", str(weights))
    timed = {"timings.csv", "latency.json"}
    names = sorted({file.name for file in done.iterdir()} - timed)
    assert names == sorted({file.name for file in tmp_path.iterdir()} - timed)
    assert all((done / name).read_bytes() == (tmp_path / name).read_bytes() for name in names)


def test_weights_alone_are_enough_for_a_bag_without_a_map(weights: Path, tmp_path: Path) -> None:
    path = write_recording(tmp_path / "bag", with_map=False)
    metrics = replay(path, tmp_path / "out", "--weights", str(weights))
    assert metrics["map"]["points"] == len(world().landmarks)
    assert metrics["complete"] and metrics["fixes"] > 0


def test_the_map_may_come_from_a_file_and_parameters_from_the_nodes_own(
    weights: Path, tmp_path: Path
) -> None:
    path = write_recording(tmp_path / "bag", with_map=False, truth="none")
    np.savez(tmp_path / "map.npz", points=world().landmarks)
    config = Path(__file__).resolve().parents[1] / "config" / "localization.yaml"
    words = ["--map", str(tmp_path / "map.npz"), "--weights", str(weights)]
    words += ["--params", str(config), "--set", "use_likelihood_search=false"]
    words += ["--set", "use_bpnpnet=false"]
    with Bag(path) as bag:
        with pytest.raises(BagError, match="no map is in the bag"):
            prepare(bag, parse_arguments([str(path)]))
        ready = prepare(bag, parse_arguments([str(path), *words]))
    assert ready.active.points == len(world().landmarks) and ready.active.localizer.notes == []
    assert ready.active.localizer.proposers == [] and ready.truth is None


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--keypoints", "/nothing"], "/nothing is not in the bag; its topics are /camera"),
        (["--truth", "/nothing", "--map", "{map}"], "neither a topic of the bag nor a file"),
        (["--truth", "/camera/keypoints", "--map", "{map}"], "holds no poses"),
        (["--set", "bank_views=many"], "must be of type int"),
        (["--set", "bank_viewz=1"], "no parameter 'bank_viewz'"),
        (["--set", "clutter=7"], "clutter is 7"),
        (["--map", "missing.ply"], "no map at missing.ply"),
        (["--weights", "missing.safetensors"], "missing.safetensors"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    recording: Path, tmp_path: Path, words: list[str], complaint: str
) -> None:
    np.savez(tmp_path / "map.npz", points=world().landmarks[:200])
    words = [word.format(map=tmp_path / "map.npz") for word in words]
    with pytest.raises(BpnpError, match=complaint):
        replay(recording, tmp_path / "out", *words)


def test_results_are_never_overwritten_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    (tmp_path / "metrics.json").write_text("old")
    with pytest.raises(ConfigError, match="not empty"), claimed_folder(tmp_path, overwrite=False):
        pass
    with claimed_folder(tmp_path, overwrite=True):
        clear_folder(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_results_outlive_a_run_whose_inputs_are_wrong(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text("old")
    with pytest.raises(BpnpError, match="no map at"):
        replay(recording, tmp_path, "--overwrite", "--map", "missing.ply")
    with pytest.raises(BpnpError, match="no bag at"):
        replay(tmp_path / "missing", tmp_path, "--overwrite")
    assert (tmp_path / "metrics.json").read_text() == "old"


def test_two_runs_never_write_into_one_folder(recording: Path, tmp_path: Path) -> None:
    with claimed_folder(tmp_path, overwrite=False):
        with pytest.raises(ConfigError, match="another run is writing"):
            replay(recording, tmp_path)
        with pytest.raises(ConfigError, match="another run is writing"):
            replay(recording, tmp_path, "--overwrite")
    with claimed_folder(tmp_path, overwrite=False):
        pass


def test_a_truth_without_a_pose_for_any_message_is_named(
    recording: Path, weights: Path, tmp_path: Path
) -> None:
    other_day, nothing = tmp_path / "other.tum", tmp_path / "nothing.tum"
    other_day.write_text("5 0 0 0 0 0 0 1\n6 0 0 0 0 0 0 1\n")
    nothing.write_text("# no pose\n")
    metrics = replay(
        recording, tmp_path / "out", "--weights", str(weights), "--truth", str(other_day)
    )
    assert headlines(metrics)["truth"].startswith("other.tum says nothing of any message: ")
    with pytest.raises(BagError, match="holds no poses"):
        replay(recording, tmp_path / "again", "--truth", str(nothing))


def test_an_interrupted_run_keeps_what_it_has(
    recording: Path, weights: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "bpnp_ros.tools.replay", str(recording), "--out"]
    command += [str(tmp_path / "out"), "--weights", str(weights), *FAST]
    command += ["--set", "use_tracker=false"]  # which is fast
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    answers, deadline = tmp_path / "out" / "frames.csv", time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if answers.exists() and answers.read_text().count("\n") > 2:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in output, output
    metrics = metrics_in(tmp_path / "out")
    assert not metrics["complete"]
    assert 2 <= metrics["messages"] == len(frames(tmp_path / "out")) < COUNT
