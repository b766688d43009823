"""The demo over real DDS; the node in the other process is one that knows the answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bpnp_ros.demo import run as demo_run
from bpnp_ros.demo.run import node_parameters
from bpnp_ros.demo.stream import make_stream
from bpnp_ros.evaluation.tum import read_tum
from bpnp_ros.point_map.loading import load_map
from bpnp_ros.tools.demo import parse_arguments

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels")

CHECKOUT = Path(__file__).resolve().parents[1]
PROGRAM = """
import sys
from bpnp_ros.demo import run
from bpnp_ros.tools.demo import main
oracle = [sys.executable, "test/oracle_node.py", *sys.argv.pop().split(",")]
run.node_command, run.node_parameters = lambda _: oracle, lambda _: {}
main()
"""


def start_demo(out: Path, oracle: str, *words: str) -> subprocess.Popen[str]:
    """oracle: how it behaves, seconds of the stream, kidnaps in it."""
    arguments = ["--duration", oracle.split(",")[1], "--out", str(out), *words, oracle]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_demo(out: Path, oracle: str, *words: str) -> tuple[int, str]:
    process = start_demo(out, oracle, *words)
    output, _ = process.communicate(timeout=100)
    return process.returncode, output


def test_a_node_that_is_right_passes_and_leaves_a_report(tmp_path: Path) -> None:
    code, output = run_demo(tmp_path, "right,4,1", "--short")
    assert code == 0, output
    figures = json.loads((tmp_path / "demo.json").read_text())
    assert figures["passed"] and figures["messages"] == 40
    assert [r["name"] for r in figures["recoveries"]] == ["start", "kidnap 1"]
    assert figures["global_fixes"] == {"bpnpnet_map": 4}
    truth, estimate = (read_tum(tmp_path / f"{name}.tum") for name in ("truth", "estimate"))
    path = make_stream(0, 4.0, 10.0, 1).path
    np.testing.assert_allclose(truth.T_map_camera, path.T_map_camera, atol=1e-8)
    assert set(estimate.stamps_ns.tolist()) <= set(truth.stamps_ns.tolist())
    assert len(estimate) >= 38
    assert (tmp_path / "demo.png").stat().st_size > 50_000


def test_a_node_that_dies_is_reported_with_its_last_words(tmp_path: Path) -> None:
    code, output = run_demo(tmp_path, "dies,2,1", "--short")
    assert code == 2
    assert "the node has died" in output and "the oracle has spoken its last words" in output
    assert (tmp_path / "demo.json").exists()


def test_ctrl_c_ends_the_demo_without_a_traceback_and_keeps_what_there_is(
    tmp_path: Path,
) -> None:
    process = start_demo(tmp_path, "right,30,1", "--short")
    assert process.stdout is not None
    while "TRACKING" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in output
    assert json.loads((tmp_path / "demo.json").read_text())["poses"] > 0


def test_the_node_is_told_where_its_weights_are_and_nothing_of_the_truth(tmp_path: Path) -> None:
    weights = tmp_path / "bundle.safetensors"
    arguments = parse_arguments(["--weights", str(weights), "--no-likelihood-search"])
    assert node_parameters(arguments) == {
        "weights": str(weights),
        "tf_mode": "camera",
        "use_network": True,
        "use_likelihood_search": False,
    }


@pytest.mark.parametrize(
    ("words", "messages", "kidnaps"),
    [([], 300, 2), (["--short"], 100, 1), (["--control", "pure-clutter"], 75, 0)],
)
def test_the_demo_is_as_long_as_it_says(words: list[str], messages: int, kidnaps: int) -> None:
    stream = demo_run.demo_stream(parse_arguments([*words, "--rate", "5"]))
    assert (len(stream), len(stream.path.kidnaps)) == (messages, kidnaps)


@pytest.mark.parametrize("words", [["--duration", "0.1"], ["--rate", "0"], ["--rate", "nan"]])
def test_a_stream_that_cannot_be_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments(words)
    assert ended.value.code == 2
    assert "--duration must be from 2 to 600 s" in capsys.readouterr().err


def test_the_demos_map_can_be_had_as_a_file(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "bpnp_ros.tools.demo",
        "--write-map",
        str(tmp_path / "map.ply"),
    ]
    subprocess.run(command, cwd=CHECKOUT, check=True)
    points = load_map(str(tmp_path / "map.ply")).points
    assert len(points) == len(make_stream(0, 2.0, 5.0, 0).map_points)
